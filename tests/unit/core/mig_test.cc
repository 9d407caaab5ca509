// SPDX-License-Identifier: Apache-2.0
// MIG instances as devices, and the GPUs that they are parts of.
#include "core/script.h"

namespace berth::core::script {
namespace {

Fleet divided() {
  return Fleet()
      .gpu("A100", 80_GiB)
      .mig({"1g.10gb", "1g.10gb", "3g.40gb"})
      .gpus(2, "A100", 80_GiB)
      .cpu(8);
}

TEST(Mig, InstancesTakeTasksAndTheirGpuDoesNot) {
  Box box(Fleet().gpu("A100", 80_GiB).mig({"1g.10gb", "1g.10gb"}).cpu(8));
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().on("cuda").memory(8));
  EXPECT_EQ(box.where("a"), "cuda:0:0");
  EXPECT_EQ(box.where("b"), "cuda:0:1");
  EXPECT_EQ(box.where("c"), "queued");
  EXPECT_EQ(box.verdict("c", "cuda:0"), "partitioned");
  EXPECT_EQ(box.verdict("c", "cuda:0:0"), "kind_limit");
}

TEST(Mig, ByNameByUuidAndByProfile) {
  Box box(divided());
  box.take(submit("a").on("cuda:0:2").memory(1));
  EXPECT_EQ(box.where("a"), "cuda:0:2");
  box.take(submit("b").on("MIG-1").memory(1));
  EXPECT_EQ(box.where("b"), "cuda:0:1");
  box.take(submit("c").on("cuda").type("3g.40gb").memory(1));
  EXPECT_EQ(box.where("c"), "cuda:0:2");
  box.take(submit("d").on("cuda:1").memory(1));
  EXPECT_EQ(box.where("d"), "cuda:1") << "the numbers of whole GPUs do not depend on instances";
}

TEST(Mig, WhoNamesADividedGpuIsToldItsInstances) {
  Box box(divided());
  box.take(submit("a").on("cuda:0").memory(1));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  EXPECT_EQ(box.refusal().message,
            "No device of this machine could ever take this task: cuda:0: needs a GPU that is not "
            "divided into MIG instances, has divided into cuda:0:0, cuda:0:1, cuda:0:2");
  Box bare(Fleet().gpu("A100", 80_GiB).mig({}).cpu(8));
  bare.take(submit("a").on("cuda").memory(1));
  EXPECT_NE(bare.refusal().message.find("without an instance"), std::string::npos)
      << bare.refusal().message;
}

TEST(Mig, AnInstanceThatIsNotThereIsRefusedWithTheList) {
  Box box(divided());
  box.take(submit("a").on("cuda:0:7"));
  EXPECT_EQ(box.refusal().message,
            "There is no MIG instance 7 of cuda:0: this machine has cuda:0, cuda:0:0, cuda:0:1, "
            "cuda:0:2, cuda:1, cuda:2");
  box.take(submit("b").on("cuda:3"));
  EXPECT_EQ(box.refusal().message,
            "Device index 3 is out of range: this machine has 3 CUDA devices (cuda:0, cuda:1, "
            "cuda:2)");
}

TEST(Mig, SeveralGpusAreNeverInstances) {
  Box box(divided());
  box.take(submit("a").on("cuda").gpus(2).memory(5));
  EXPECT_EQ(box.where("a"), "cuda:1,cuda:2");
  EXPECT_EQ(box.verdict("a", "cuda:0:0"), "mig_instance");
  EXPECT_EQ(box.verdict("a", "cuda:0"), "partitioned");
  box.take(submit("b").on("cuda").gpus(3).memory(5));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  box.take(submit("c").on("auto").type("1g.10gb").gpus(2).memory(5));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
}

TEST(Mig, SeveralThatAreNamedAreGiven) {
  Box box(divided());
  box.take(submit("a").on("cuda:0:0,cuda:0:1").memory(5));
  EXPECT_EQ(box.where("a"), "cuda:0:0,cuda:0:1");
}

TEST(Mig, NoInstanceIsKeptForATaskThatWaitsForSeveralGpus) {
  Box box(divided());
  box.take(submit("x").on("cuda:1").exclusive());
  box.take(submit("a").on("cuda").gpus(2));
  EXPECT_EQ(box.where("a"), "queued");
  box.take(submit("b").on("cuda:0:0").exclusive());
  EXPECT_EQ(box.where("b"), "cuda:0:0");
}

TEST(Mig, TheSizeInTheProfileMeansTheWholeInstance) {
  Box box(divided());
  box.take(submit("a").on("cuda:0:0").memory(10));
  EXPECT_EQ(box.where("a"), "cuda:0:0");
  EXPECT_EQ(box.placement("a").rule, model::ReservationRule::kNominal);
  EXPECT_EQ(box.reserved("a"), 9.5_GiB);
  box.take(submit("b").on("cuda:0:1").memory(11));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
}

TEST(Mig, WhatIsSaidOfAGpuIsSaidOfItsInstances) {
  Config config;
  config.pools["small"].devices = {"cuda:0"};
  config.pools["one"].devices = {"cuda:0:2"};
  Box box(divided(), config);
  box.take(submit("a").on("cuda").pool("small").memory(1));
  EXPECT_TRUE(box.where("a").starts_with("cuda:0:")) << box.where("a");
  box.take(submit("b").on("cuda").pool("one").memory(1));
  EXPECT_EQ(box.where("b"), "cuda:0:2");
  box.drain({"cuda:0"}, true, "a new fan");
  box.take(submit("c").on("cuda:0:1").pool("small").memory(1));
  EXPECT_EQ(box.where("c"), "queued");
  EXPECT_EQ(box.verdict("c", "cuda:0:1"), "draining");
  box.drain({"cuda:0"}, false);
  EXPECT_EQ(box.where("c"), "cuda:0:1");
}

TEST(Mig, AReconfigurationEndsWhatRanOnInstancesThatAreGone) {
  Box box(Fleet().gpu("A100", 80_GiB).mig({"1g.10gb", "1g.10gb"}).cpu(8));
  box.take(submit("a").training().on("cuda:0:1").memory(5).retry(1));
  EXPECT_EQ(box.where("a"), "cuda:0:1");
  box.announce(Fleet().gpu("A100", 80_GiB).mig({"1g.10gb"}).cpu(8));
  EXPECT_EQ(box.seen<Stop>(), 1);
  box.exits("a", 137);
  EXPECT_EQ(box.state.devices.size(), 3U);
}

}  // namespace
}  // namespace berth::core::script
