// SPDX-License-Identifier: Apache-2.0
#include "daemon/device_alarms.h"

#include <gtest/gtest.h>

namespace berth::daemon {
namespace {

using base::Bytes;

/// One GPU that is looked at once a second.
class Alarms : public ::testing::Test {
 protected:
  Alarms() {
    device_.id = model::DeviceId("GPU-a");
    device_.name = "cuda:0";
    device_.model = "A100";
    sample_.device = device_.id;
  }

  /// The notices of so many seconds, "device_hot@12" each; the seconds count on.
  std::string watch(int seconds) {
    std::string said;
    for (int i = 0; i < seconds; ++i) {
      for (const auto& notice : alarms_.look({{&device_, &sample_, tasks_}}, now_)) {
        said += std::string(to_text(notice.what)) + "@" + std::to_string(second_) + " ";
        last_ = notice;
      }
      ++second_;
      now_ += base::Duration{1000};
    }
    return said;
  }
  void hold(int pid, Bytes memory, std::optional<int> utilization) {
    model::DeviceProcess process;
    process.pid = pid;
    process.user = "ann";
    process.used_memory = memory;
    process.utilization_percent = utilization;
    sample_.processes = std::vector{process};
  }

  DeviceAlarms alarms_;
  model::Device device_;
  model::Sample sample_;
  std::map<int, std::string> tasks_;
  base::Time now_ = base::from_ms(1'700'000'000'000);
  int second_ = 0;
  Notice last_;
};

TEST_F(Alarms, WithoutThresholdsNothingIsSaid) {
  sample_.temperature_c = 120;
  sample_.power_w = 1000;
  hold(1, Bytes::from_gib(20), 0);
  EXPECT_EQ(watch(3600), "");
}

TEST_F(Alarms, HeatIsToldOnceWhenItLastsAndAgainAfterItWasGone) {
  alarms_.set_thresholds({85, {}, {}});
  sample_.temperature_c = 84;
  EXPECT_EQ(watch(60), "");
  sample_.temperature_c = 85;
  EXPECT_EQ(watch(5), "");
  sample_.temperature_c = 80;
  EXPECT_EQ(watch(1), "") << "a peak of a few seconds is no news";
  sample_.temperature_c = 90;
  EXPECT_EQ(watch(60), "device_hot@76 ");
  EXPECT_EQ(last_.text, "cuda:0 (A100) has 90 °C, the threshold is 85 °C");
  sample_.temperature_c = 83;  // not below by the margin
  EXPECT_EQ(watch(60), "");
  sample_.temperature_c = 90;
  EXPECT_EQ(watch(60), "");
  sample_.temperature_c = 70;
  EXPECT_EQ(watch(30), "");
  sample_.temperature_c = 90;
  EXPECT_EQ(watch(30), "device_hot@286 ");
}

TEST_F(Alarms, PowerIsTold) {
  alarms_.set_thresholds({{}, 300, {}});
  sample_.power_w = 301.5;
  EXPECT_EQ(watch(60), "device_power@10 ");
  EXPECT_EQ(last_.detail.at("power_w"), 301.5);
  EXPECT_EQ(last_.detail.at("device").at("name"), "cuda:0");
}

TEST_F(Alarms, WhoHoldsMemoryAndDoesNotUseItIsNamedWithItsTask) {
  alarms_.set_thresholds({{}, {}, std::chrono::minutes(2)});
  tasks_[42] = "t-1";
  hold(42, Bytes::from_gib(20), 0);
  EXPECT_EQ(watch(600), "idle_holder@120 ");
  EXPECT_EQ(last_.text,
            "process 42 of ann holds 20.00 GB of cuda:0 (A100) and has not used it for 2 min "
            "(task t-1)");
  EXPECT_EQ(last_.detail.at("task_id"), "t-1");
  hold(42, Bytes::from_gib(20), 5);
  EXPECT_EQ(watch(1), "");
  hold(42, Bytes::from_gib(20), 0);
  EXPECT_EQ(watch(200), "idle_holder@721 ") << "idle again";
}

TEST_F(Alarms, AnotherProcessIsAnotherHolder) {
  alarms_.set_thresholds({{}, {}, std::chrono::minutes(1)});
  hold(1, Bytes::from_gib(1), 0);
  EXPECT_EQ(watch(50), "");
  hold(2, Bytes::from_gib(1), 0);
  EXPECT_EQ(watch(50), "");
  EXPECT_EQ(watch(50), "idle_holder@110 ");
}

TEST_F(Alarms, ADesktopIsNoHolderAndWhatIsNotKnownProvesNothing) {
  alarms_.set_thresholds({{}, {}, std::chrono::minutes(1)});
  hold(1, Bytes{100 << 20}, 0);
  EXPECT_EQ(watch(300), "");
  hold(1, Bytes::from_gib(8), std::nullopt);
  EXPECT_EQ(watch(300), "") << "whether it is used is not known";
  sample_.utilization_percent = 0;
  EXPECT_EQ(watch(300), "idle_holder@660 ") << "a device that does nothing is used by nobody";
}

TEST_F(Alarms, ThrottledIsWhatTheDriverOrTheThresholdSays) {
  model::Sample sample;
  EXPECT_FALSE(is_throttled(sample, {}));
  sample.throttle = std::vector<std::string>{"power limit"};
  EXPECT_FALSE(is_throttled(sample, {})) << "a busy device at its own limit is as it should be";
  sample.throttle = std::vector<std::string>{"power limit", "temperature (hardware)"};
  EXPECT_TRUE(is_throttled(sample, {}));
  sample.throttle = std::vector<std::string>{"power brake"};
  EXPECT_TRUE(is_throttled(sample, {}));
  sample.throttle.reset();
  sample.temperature_c = 90;
  EXPECT_FALSE(is_throttled(sample, {}));
  EXPECT_TRUE(is_throttled(sample, {90, {}, {}}));
}

}  // namespace
}  // namespace berth::daemon
