// SPDX-License-Identifier: Apache-2.0
// How many tasks of a kind run on a device, and changing that at run time.
#include "core/script.h"

namespace berth::core::script {
namespace {

using base::ErrorCode;

Fleet eight() { return Fleet().gpus(8, "A100", 80_GiB).cpu(16); }

TEST(Limits, FortyTrainingTasksUseAllEightGpusOnceEach) {
  Box box(eight());
  for (int i = 0; i < 40; ++i) box.take(submit("t" + std::to_string(i)).training().on("cuda"));
  for (int gpu = 0; gpu < 8; ++gpu) EXPECT_EQ(box.count("cuda:" + std::to_string(gpu)), 1);
  EXPECT_EQ(box.state.queue.size(), 32U);
  EXPECT_EQ(box.count("cpu"), 0);
}

TEST(Limits, EveryExitLetsExactlyOneWaitingTaskStart) {
  Box box(eight());
  for (int i = 0; i < 40; ++i) box.take(submit("t" + std::to_string(i)).training().on("cuda"));
  for (int i = 0; i < 32; ++i) {
    box.exits("t" + std::to_string(i));
    EXPECT_EQ(box.seen<Launch>(), 1);
    EXPECT_NE(box.where("t" + std::to_string(i + 8)), "queued");
  }
}

TEST(Limits, DefaultsAreOneTrainingAndThreeInferencePerGpu) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(16));
  for (const char* id : {"t1", "t2"}) box.take(submit(id).training().on("cuda"));
  for (const char* id : {"i1", "i2", "i3", "i4"}) box.take(submit(id).inference().on("cuda"));
  EXPECT_EQ(box.count("cuda:0"), 4);
  EXPECT_EQ(box.where("t2"), "queued");
  EXPECT_EQ(box.where("i4"), "queued");
}

TEST(Limits, DefaultsAreTwoTrainingAndFourInferenceOnTheProcessor) {
  Box box(eight());
  for (const char* id : {"t1", "t2", "t3"}) box.take(submit(id).training().on("cpu"));
  for (const char* id : {"i1", "i2", "i3", "i4", "i5"}) box.take(submit(id).inference().on("cpu"));
  EXPECT_EQ(box.count("cpu"), 6);
  EXPECT_EQ(box.where("t3"), "queued");
  EXPECT_EQ(box.where("i5"), "queued");
}

TEST(Limits, CommandsAreLimitedByTheCoresOfTheProcessor) {
  Box box(Fleet().cpu(2));
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).command().on("cpu"));
  EXPECT_EQ(box.count("cpu"), 2);
  EXPECT_EQ(box.verdict("c", "cpu"), "cores");
  box.exits("a");
  EXPECT_EQ(box.where("c"), "cpu");
}

TEST(Limits, CommandsWithMemoryShareAGpuWithoutCount) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(2));
  for (int i = 0; i < 10; ++i)
    box.take(submit("c" + std::to_string(i)).command().on("cuda").memory(8));
  EXPECT_EQ(box.count("cuda:0"), 10);
  box.take(submit("more").command().on("cuda").memory(1));
  EXPECT_EQ(box.verdict("more", "cuda:0"), "memory");
}

TEST(Limits, ChangingOneKindLeavesTheOther) {
  Box box(eight());
  const DeviceId gpu = box.id_of("cuda:3");
  box.limits({{gpu, 4, {}}});
  EXPECT_EQ(box.state.devices.at(gpu).limits, (KindLimits{4, 3}));
  box.limits({{gpu, {}, 7}});
  EXPECT_EQ(box.state.devices.at(gpu).limits, (KindLimits{4, 7}));
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:2")).limits, (KindLimits{1, 3}));
}

TEST(Limits, UnknownDeviceOrNegativeNumberRefusesAllChanges) {
  Box box(eight());
  const DeviceId gpu = box.id_of("cuda:0");
  for (const LimitChange& bad : {LimitChange{DeviceId("GPU-none"), 1, 1}, LimitChange{gpu, -1, {}},
                                 LimitChange{gpu, 1, -3}}) {
    box.limits({{gpu, 5, 5}, bad});
    EXPECT_EQ(box.refusal().code, ErrorCode::kBadRequest);
    EXPECT_EQ(box.state.devices.at(gpu).limits, (KindLimits{1, 3}));
    EXPECT_TRUE(box.state.limit_changes.empty());
  }
}

TEST(Limits, RaisingStartsWaitingTasksInTheSameStep) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(2));
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().on("cuda").memory(10));
  box.limits({{box.id_of("cuda:0"), 3, {}}});
  EXPECT_EQ(box.seen<Launch>(), 2);
  EXPECT_EQ(box.count("cuda:0"), 3);
}

TEST(Limits, LoweringBelowWhatRunsStopsNothing) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(2));
  for (const char* id : {"a", "b", "c", "d"}) box.take(submit(id).inference().on("cuda").memory(5));
  box.limits({{box.id_of("cuda:0"), {}, 1}});
  EXPECT_TRUE(box.outputs.empty());
  EXPECT_EQ(box.count("cuda:0"), 3);
  box.exits("a");
  box.exits("b");
  EXPECT_EQ(box.where("d"), "queued");
  box.exits("c");
  EXPECT_EQ(box.where("d"), "cuda:0");
}

TEST(Limits, ZeroMeansNoneOfThatKindUntilRaised) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(2));
  box.limits({{box.id_of("cuda:0"), 0, {}}});
  box.take(submit("a").training().on("cuda"));
  EXPECT_EQ(box.where("a"), "cuda:1");
  box.take(submit("b").training().on("cuda:0"));
  EXPECT_EQ(box.verdict("b", "cuda:0"), "limit_zero");
  box.take(submit("c").inference().on("cuda:0"));
  EXPECT_EQ(box.where("c"), "cuda:0");
  box.limits({{box.id_of("cuda:0"), 1, {}}});
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Limits, ChangesOutliveTheDeviceAndTheConfiguration) {
  Box box(eight());
  box.limits({{box.id_of("cuda:1"), 2, 6}});
  box.announce(Fleet().gpus(1, "A100", 80_GiB).cpu(16));
  box.announce(eight());
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:1")).limits, (KindLimits{2, 6}));
  Config config;
  config.gpu_limits = {3, 9};
  box.input(Configure{config});
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:1")).limits, (KindLimits{2, 6}));
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:2")).limits, (KindLimits{3, 9}));
}

}  // namespace
}  // namespace berth::core::script
