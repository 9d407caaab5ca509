// SPDX-License-Identifier: Apache-2.0
// Limits per user and fair share.
#include "core/users.h"

#include "core/script.h"

namespace berth::core::script {
namespace {

TEST(Users, NoMoreThanTheirLimitRuns) {
  Config config;
  config.user_running = 2;
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8), config);
  for (const char* id : {"a1", "a2", "a3"}) box.take(submit(id).training().on("cuda").user("ann"));
  EXPECT_EQ(box.where("a3"), "queued");
  EXPECT_EQ(box.verdict("a3", "cuda:2"), "user_limit");
  box.take(submit("b1").training().on("cuda").user("bob"));
  EXPECT_EQ(box.where("b1"), "cuda:2");
  box.exits("a1");
  EXPECT_NE(box.where("a3"), "queued");
}

TEST(Users, NoMoreThanTheirLimitWaits) {
  Config config;
  config.user_waiting = 1;
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8), config);
  box.take(submit("a1").training().on("cuda").user("ann"));
  box.take(submit("a2").training().on("cuda").user("ann").after("a1"));
  box.take(submit("a3").training().on("cuda").user("ann"));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kQueueFull);
  EXPECT_EQ(box.refusal().message, "Waiting tasks of the user ann: 1, and the limit for each is 1");
  box.take(submit("b1").training().on("cuda").user("bob"));
  EXPECT_EQ(box.where("b1"), "queued");
}

Config fair(base::Duration half_life = base::Duration{24 * 3'600'000LL}) {
  Config config;
  config.fair_share.on = true;
  config.fair_share.half_life = half_life;
  return config;
}

TEST(FairShare, WhoHadMuchComesLater) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8), fair());
  box.take(submit("a1").training().on("cuda").user("ann"));
  for (const char* id : {"a2", "a3"}) box.take(submit(id).training().on("cuda").user("ann"));
  box.after_s(600);
  box.take(submit("b1").training().on("cuda").user("bob"));  // ten minutes after a2
  box.after_s(60);
  box.exits("a1");
  EXPECT_EQ(box.where("b1"), "cuda:0");  // ann has had eleven minutes
  box.after_s(6000);
  box.exits("b1");
  EXPECT_EQ(box.where("a2"), "cuda:0");  // now bob has had more
}

TEST(FairShare, IsOffUnlessAskedFor) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a1").training().on("cuda").user("ann"));
  box.take(submit("a2").training().on("cuda").user("ann"));
  box.after_s(1);
  box.take(submit("b1").training().on("cuda").user("bob"));
  box.after_s(6000);
  box.exits("a1");
  EXPECT_EQ(box.where("a2"), "cuda:0");
}

TEST(FairShare, APassOverAnIdleMachineGivesToEveryone) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8), fair());
  box.drain({});
  for (int i = 0; i < 4; ++i)
    box.take(submit("a" + std::to_string(i)).training().on("cuda").user("ann"));
  box.after_s(10);
  for (int i = 0; i < 4; ++i)
    box.take(submit("b" + std::to_string(i)).training().on("cuda").user("bob"));
  box.drain({}, false);
  EXPECT_NE(box.where("a1"), "queued");
  EXPECT_NE(box.where("b1"), "queued");
  EXPECT_EQ(box.where("a2"), "queued");
}

TEST(FairShare, IsForgottenByHalves) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8), fair(base::Duration{3'600'000}));
  box.take(submit("a1").training().on("cuda").user("ann"));
  box.after_s(3600);
  box.exits("a1");
  const auto device_ms = [&] { return users::device_ms(box.state, "ann"); };
  EXPECT_EQ(device_ms(), 3'600'000);
  box.after_s(1800);
  EXPECT_EQ(device_ms(), 2'700'000);  // in between linearly
  box.after_s(1800);
  EXPECT_EQ(device_ms(), 1'800'000);
  box.after_s(3600 * 70);
  EXPECT_EQ(device_ms(), 0);
}

TEST(Arrays, NoMoreThanTheySayRunAtATime) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  for (const int i : {0, 1, 2})
    box.take(submit("a" + std::to_string(i)).on("cuda").command().array("a", i, 2));
  EXPECT_EQ(box.where("a2"), "queued");
  EXPECT_EQ(box.verdict("a2", "cuda:3"), "array_limit");
  box.take(submit("other").on("cuda").command().array("b", 0, 2));
  EXPECT_NE(box.where("other"), "queued");
  box.exits("a0");
  EXPECT_NE(box.where("a2"), "queued");
}

TEST(Queue, UsersDoNotPartTheGroupsWhereTheyPlayNoPart) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  for (const char* user : {"ann", "bob", "eve"})
    box.take(submit(user).on("cuda").command().user(user));
  EXPECT_EQ(box.state.queue.groups().size(), 1U);
  Config config;
  config.user_running = 5;
  box.input(Configure{config, false});
  EXPECT_EQ(box.state.queue.groups().size(), 2U);
}

}  // namespace
}  // namespace berth::core::script
