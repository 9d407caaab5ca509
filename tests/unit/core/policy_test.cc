// SPDX-License-Identifier: Apache-2.0
// Which of the devices that fit a task gets.
#include "core/script.h"

namespace berth::core::script {
namespace {

using model::Policy;

TEST(Policy, BalancedSpreadsOverBothKinds) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  box.take(submit("t").training().on("cuda:0"));
  for (const char* id : {"i1", "i2", "i3"}) box.take(submit(id).inference().on("cuda"));
  EXPECT_EQ(box.count("cuda:0"),
            1);  // a training task fills its limit: 3 of 3 inference tasks weigh the same
  EXPECT_EQ(box.count("cuda:1"), 1);
  EXPECT_EQ(box.count("cuda:2"), 1);
  EXPECT_EQ(box.count("cuda:3"), 1);
  box.take(submit("t2").training().on("cuda"));
  EXPECT_NE(box.where("t2"), "cuda:0");
}

TEST(Policy, BalancedWeighsRunningTasksByTheLimits) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.limits({{box.id_of("cuda:1"), {}, 6}});
  box.take(submit("a").inference().on("cuda:0").memory(1));  // 1 of 3
  box.take(submit("b").inference().on("cuda:1").memory(1));  // 1 of 6
  box.take(submit("c").inference().on("cuda").memory(1));
  EXPECT_EQ(box.where("c"), "cuda:1");
}

TEST(Policy, BalancedPrefersFreeMemoryAmongEquallyLoaded) {
  Box box(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  box.truth("cuda:0").foreign = 20_GiB;
  box.truth("cuda:1").foreign = 10_GiB;
  box.truth("cuda:2").foreign = 15_GiB;
  box.sample();
  box.take(submit("a").training().on("cuda").memory(8));
  EXPECT_EQ(box.where("a"), "cuda:1");
}

TEST(Policy, BalancedThenPrefersLowUtilisation) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.truth("cuda:0").utilization = 90;
  box.truth("cuda:1").utilization = 10;
  box.sample();
  box.take(submit("a").training().on("cuda").memory(8));
  EXPECT_EQ(box.where("a"), "cuda:1");
}

TEST(Policy, OfEqualDevicesTheFirstInTheVendorsOrderIsTaken) {
  Fleet fleet;
  fleet.gpu("A100", 80_GiB).uuid("GPU-f").gpu("A100", 80_GiB).uuid("GPU-0").cpu(8);
  Box box(fleet);
  box.take(submit("a").training().on("cuda"));
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Policy, AThrottledDeviceIsChosenLastByEveryPolicy) {
  for (const Policy policy : {Policy::kBalanced, Policy::kMostFree, Policy::kLeastLoaded,
                              Policy::kPack, Policy::kSpread, Policy::kFastest}) {
    Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
    box.truth("cuda:0").throttled = true;
    box.truth("cuda:1").foreign = 20_GiB;
    box.truth("cuda:1").utilization = 90;
    box.sample();
    box.take(submit("a").training().policy(policy).memory(8));
    EXPECT_EQ(box.where("a"), "cuda:1") << model::to_text(policy);
    box.take(submit("b").training().policy(policy).memory(8));
    EXPECT_EQ(box.where("b"), "cuda:0") << "it is chosen last, not never";
  }
}

TEST(Policy, MostFreeCountsReservationsNotOnlyUse) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.truth("cuda:1").foreign = 10_GiB;
  box.sample();
  box.take(submit("a").training().on("cuda:0").memory(30));  // nothing allocated yet
  box.take(submit("b").inference().policy(Policy::kMostFree).memory(1));
  EXPECT_EQ(box.where("b"), "cuda:1");
}

TEST(Policy, LeastLoadedGoesByUtilisation) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.truth("cuda:0").utilization = 70;
  box.truth("cuda:1").utilization = 5;
  box.truth("cuda:1").foreign = 50_GiB;
  box.sample();
  box.take(submit("a").training().policy(Policy::kLeastLoaded).memory(8));
  EXPECT_EQ(box.where("a"), "cuda:1");
}

TEST(Policy, PackFillsOneDeviceBeforeTheNext) {
  Box box(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b", "c", "d"}) {
    box.take(submit(id).inference().policy(Policy::kPack).memory(10));
  }
  EXPECT_EQ(box.count("cuda:0"), 3);
  EXPECT_EQ(box.count("cuda:1"), 1);
}

TEST(Policy, PackPrefersTheTightestFit) {
  Box box(Fleet().gpu("A100", 80_GiB).gpu("RTX 3090", 24_GiB).gpu("V100", 32_GiB).cpu(8));
  box.take(submit("a").training().policy(Policy::kPack).memory(20));
  EXPECT_EQ(box.where("a"), "cuda:1");
}

TEST(Policy, SpreadGoesByNumberOfTasks) {
  Box box(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b", "c", "d"}) {
    box.take(submit(id).inference().policy(Policy::kSpread).memory(10));
  }
  EXPECT_EQ(box.count("cuda:0"), 2);
  EXPECT_EQ(box.count("cuda:1"), 1);
  EXPECT_EQ(box.count("cuda:2"), 1);
}

// One task after the other, each of which takes the fastest device that is left.
void expect_fastest(const Fleet& fleet, const std::vector<std::string>& order) {
  Box box(fleet);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::string id = "t" + std::to_string(i);
    box.take(submit(id).training().policy(Policy::kFastest).memory(8));
    EXPECT_EQ(box.where(id), order[i]);
  }
}

TEST(Policy, FastestIsNotTheNewest) {
  Fleet fleet;
  fleet.gpu("Tesla T4", 15_GiB).capability("7.5", 1590).speed(65'000, 320);
  fleet.gpu("Tesla V100", 16_GiB).capability("7.0", 1530).speed(125'000, 900);
  fleet.gpu("NVIDIA L4", 22_GiB).capability("8.9", 2040).speed(121'000, 300);
  fleet.gpu("unknown", 16_GiB).capability("12.0", 2500);
  fleet.cpu(8);
  expect_fastest(fleet, {"cuda:1", "cuda:2", "cuda:0", "cuda:3"});
}

TEST(Policy, FastestGoesByCapabilityAsNumbersThenByClock) {
  Fleet fleet;
  fleet.gpu("A", 80_GiB).capability("8.9", 3000);
  fleet.gpu("B", 80_GiB).capability("8.10", 1000);
  fleet.gpu("C", 80_GiB).capability("8.10", 1500);
  fleet.gpu("D", 80_GiB);  // the driver does not say
  fleet.cpu(8);
  expect_fastest(fleet, {"cuda:2", "cuda:1", "cuda:0", "cuda:3"});
}

TEST(MultiGpu, GetsAllOrNone) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  box.take(submit("one").training().on("cuda:2"));
  box.take(submit("four").training().gpus(4));
  EXPECT_EQ(box.where("four"), "queued");
  for (int gpu : {0, 1, 3}) EXPECT_EQ(box.count("cuda:" + std::to_string(gpu)), 0);
  box.exits("one");
  EXPECT_EQ(box.where("four"), "cuda:0,cuda:1,cuda:2,cuda:3");
  box.exits("four");
  for (int gpu : {0, 1, 2, 3}) EXPECT_EQ(box.count("cuda:" + std::to_string(gpu)), 0);
}

TEST(MultiGpu, ReservesOnEachDevice) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().gpus(2).memory(30));
  const auto placement = box.placement("a");
  ASSERT_EQ(placement.shares.size(), 2U);
  for (const auto& share : placement.shares) EXPECT_EQ(share.reserved, 30_GiB);
}

TEST(MultiGpu, MoreThanThereAreIsRefused) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().gpus(3));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  EXPECT_NE(box.refusal().message.find("3 devices were asked for and 2"), std::string::npos)
      << box.refusal().message;
}

TEST(MultiGpu, PrefersDevicesOfTheSameModel) {
  Box box(Fleet().gpu("A100", 80_GiB).gpus(2, "V100", 32_GiB).cpu(8));
  box.take(submit("a").training().gpus(2).memory(8));
  EXPECT_EQ(box.where("a"), "cuda:1,cuda:2");
  box.take(submit("b").inference().gpus(3).memory(8));
  EXPECT_EQ(box.where("b"), "cuda:0,cuda:1,cuda:2");  // a mixture is better than none
}

}  // namespace
}  // namespace berth::core::script
