// SPDX-License-Identifier: Apache-2.0
// Reservations without a process.
#include "core/script.h"
#include "core/snapshot.h"

namespace berth::core::script {
namespace {

TEST(Lease, HoldsADeviceUntilItExpires) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.lease(submit("l").on("cuda"), 60);
  const auto leased = box.only<Leased>();
  EXPECT_EQ(leased.placement.shares.front().name, "cuda:0");
  EXPECT_EQ(leased.until, box.now + base::Duration{60'000});
  box.take(submit("a").training().on("cuda"));
  EXPECT_EQ(box.where("a"), "queued");
  EXPECT_EQ(box.verdict("a", "cuda:0"), "exclusive");
  box.after_s(59);
  EXPECT_EQ(box.where("a"), "queued");
  box.after_s(1);
  EXPECT_EQ(box.only<LeaseEnded>().cause, "expired");
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Lease, EightAtOnceSpreadOverTheGpus) {
  Box box(Fleet().gpus(8, "A100", 80_GiB).cpu(8));
  std::set<std::string> devices;
  for (int i = 0; i < 8; ++i) {
    box.lease(submit("l" + std::to_string(i)).on("cuda").memory(10), 60);
    devices.insert(box.only<Leased>().placement.shares.front().name);
  }
  EXPECT_EQ(devices.size(), 8U);
}

TEST(Lease, IsRenewedAndReturned) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.lease(submit("l").on("cuda"), 60);
  box.after_s(50);
  box.input(RenewLease{TaskId("l"), base::Duration{60'000}, ""});
  EXPECT_EQ(box.only<Leased>().until, box.now + base::Duration{60'000});
  box.after_s(59);
  EXPECT_EQ(box.seen<LeaseEnded>(), 0);
  box.input(EndLease{TaskId("l")});
  EXPECT_EQ(box.only<LeaseEnded>().cause, "returned");
  box.input(EndLease{TaskId("l")});
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
  box.input(RenewLease{TaskId("l"), base::Duration{1}, ""});
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
}

TEST(Lease, AnAdoptedOneEndsWithItsProcess) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.lease(submit("l").on("cuda"), 60);
  box.input(RenewLease{TaskId("l"), base::Duration{60'000}, "4711"});
  box.after_s(10'000);
  EXPECT_EQ(box.seen<LeaseEnded>(), 0);
  box.input(EndLease{TaskId("l")});
  EXPECT_EQ(box.seen<LeaseEnded>(), 1);
}

TEST(Lease, IsRefusedWhenNothingIsFree) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").exclusive());
  box.lease(submit("l").on("cuda"), 60);
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNothingFree);
  box.lease(submit("l").on("cuda").memory(500), 60);
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  EXPECT_EQ(box.state.tasks.size(), 1U);
}

TEST(Lease, DoesNotDelayAWaitingTaskForSeveral) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0").exclusive());
  box.take(submit("pair").training().on("cuda").gpus(2).exclusive());
  box.lease(submit("l").on("cuda"), 60);
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNothingFree);
}

TEST(Lease, IsNoTask) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.lease(submit("l").on("cuda"), 60);
  box.cancel("l");
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
  box.exited("l", 1, 0);
  EXPECT_EQ(box.where("l"), "cuda:0");
  box.take(submit("b").on("cpu").after("l"));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kBadRequest);
}

TEST(Lease, EndsWithItsDevice) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.lease(submit("l").on("cuda"), 60);
  box.truth("cuda:0").health = model::Health::kLost;
  box.sample();
  EXPECT_EQ(box.only<LeaseEnded>().cause, "device_lost");
}

TEST(Lease, OutlivesARestart) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.lease(submit("l").on("cuda"), 60);
  auto back = state_from_json(to_json(box.state));
  ASSERT_TRUE(back);
  box.state = std::move(*back);
  EXPECT_EQ(box.where("l"), "cuda:0");
  box.after_s(60);
  EXPECT_EQ(box.only<LeaseEnded>().cause, "expired");
}

}  // namespace
}  // namespace berth::core::script
