// SPDX-License-Identifier: Apache-2.0
#include "daemon/memory_watchdog.h"

#include <gtest/gtest.h>

#include "core/memory.h"

namespace berth::daemon {
namespace {

using base::Bytes;
using Deed = MemoryWatchdog::Deed;
using Uses = std::vector<MemoryWatchdog::Use>;

MemoryWatchdog::Use use(double used, double reserved, bool binding = true, int attempt = 1,
                        const std::string& device = "cuda:0", const std::string& task = "t") {
  return {model::TaskId(task),   attempt, device, Bytes::from_gib(reserved),
          Bytes::from_gib(used), binding};
}

/// A clock that goes on by itself.
class Watchdog : public ::testing::Test {
 protected:
  /// What it says while the same is seen once a second, "W" or "E" each: the seconds count from 0.
  std::string watch(MemoryWatchdog& dog, const Uses& uses, int seconds) {
    std::string said;
    for (int i = 0; i < seconds; ++i) {
      for (const auto& deed : dog.look(uses, now_)) {
        said += (deed.kind == Deed::Kind::kWarn ? "W" : "E") + std::to_string(i) + " ";
        last_ = deed.use;
      }
      now_ += std::chrono::seconds(1);
    }
    return said;
  }

  base::Time now_ = base::from_ms(1'700'000'000'000);
  MemoryWatchdog::Use last_;
};

TEST_F(Watchdog, WarnsOnceAfterTheGrace) {
  MemoryWatchdog dog(WatchdogMode::kWarn);
  EXPECT_EQ(watch(dog, {use(12, 10)}, 60), "W5 ");
  EXPECT_EQ(last_.device, "cuda:0");
}

TEST_F(Watchdog, EndsAfterTheWarningAndAsksUntilItIsGone) {
  MemoryWatchdog dog(WatchdogMode::kEnforce);
  EXPECT_EQ(watch(dog, {use(12, 10)}, 17), "W5 E15 E16 ");
  EXPECT_EQ(watch(dog, {}, 5), "");
}

TEST_F(Watchdog, AnEstimateEndsNobody) {
  MemoryWatchdog dog(WatchdogMode::kEnforce);
  EXPECT_EQ(watch(dog, {use(12, 10, false)}, 60), "W5 ");
}

TEST_F(Watchdog, OffIsOff) {
  MemoryWatchdog dog(WatchdogMode::kOff);
  EXPECT_EQ(watch(dog, {use(12, 10)}, 60), "");
}

TEST_F(Watchdog, WithinTheToleranceNothingIsSaid) {
  EXPECT_FALSE(core::exceeds(Bytes::from_gib(10.5), Bytes::from_gib(10)));
  EXPECT_TRUE(core::exceeds(Bytes::from_gib(10.51), Bytes::from_gib(10)));
  EXPECT_FALSE(core::exceeds(Bytes::from_gib(84), Bytes::from_gib(80)));
  EXPECT_TRUE(core::exceeds(Bytes::from_gib(84.1), Bytes::from_gib(80)));
  EXPECT_FALSE(core::exceeds(Bytes::from_gib(5), Bytes{})) << "nothing was reserved";
  MemoryWatchdog dog(WatchdogMode::kEnforce);
  EXPECT_EQ(watch(dog, {use(10.5, 10), use(2.4, 2, true, 1, "cuda:1")}, 30), "");
  EXPECT_EQ(watch(dog, {use(5, 0)}, 30), "") << "nothing was reserved";
}

TEST_F(Watchdog, APeakThatPassesIsForgotten) {
  MemoryWatchdog dog(WatchdogMode::kEnforce);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(watch(dog, {use(12, 10)}, 5), "");
    EXPECT_EQ(watch(dog, {use(9, 10)}, 1), "");
  }
  EXPECT_EQ(watch(dog, {use(12, 10)}, 10), "W5 ");
  EXPECT_EQ(watch(dog, {use(9, 10)}, 1), "");
  EXPECT_EQ(watch(dog, {use(12, 10)}, 20), "W5 E15 E16 E17 E18 E19 ") << "the patience is new";
}

TEST_F(Watchdog, TheWorstDeviceIsNamed) {
  MemoryWatchdog dog(WatchdogMode::kWarn);
  EXPECT_EQ(
      watch(dog, {use(12, 10), use(30, 10, true, 1, "cuda:1"), use(4, 10, true, 1, "cuda:2")}, 9),
      "W5 ");
  EXPECT_EQ(last_.device, "cuda:1");
}

TEST_F(Watchdog, AnotherAttemptIsAnotherTask) {
  MemoryWatchdog dog(WatchdogMode::kEnforce);
  EXPECT_EQ(watch(dog, {use(12, 10)}, 15), "W5 ");
  EXPECT_EQ(watch(dog, {use(12, 10, true, 2)}, 16), "W5 E15 ");
}

TEST_F(Watchdog, TasksDoNotMeet) {
  MemoryWatchdog dog(WatchdogMode::kEnforce);
  EXPECT_EQ(watch(dog, {use(12, 10)}, 3), "");
  EXPECT_EQ(watch(dog, {use(12, 10), use(12, 10, false, 1, "cuda:0", "u")}, 13), "W2 W5 E12 ");
}

TEST(WatchdogModes, AreTheWordsOfTheConfiguration) {
  for (const auto mode : {WatchdogMode::kOff, WatchdogMode::kWarn, WatchdogMode::kEnforce})
    EXPECT_EQ(watchdog_mode_from_text(to_text(mode)), mode);
  EXPECT_FALSE(watchdog_mode_from_text("kill"));
}

}  // namespace
}  // namespace berth::daemon
