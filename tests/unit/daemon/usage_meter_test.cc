// SPDX-License-Identifier: Apache-2.0
#include "daemon/usage_meter.h"

#include <gtest/gtest.h>

namespace berth::daemon {
namespace {

using base::Bytes;

/// One GPU, a clock that goes on by a second with every look.
class Meter : public ::testing::Test {
 protected:
  UsageMeter::Share share(const std::string& task, std::optional<double> gib,
                          std::optional<int> utilization = {}, int attempt = 1) {
    return {model::TaskId(task), attempt, gib ? std::optional(Bytes::from_gib(*gib)) : std::nullopt,
            utilization};
  }
  void look(std::vector<UsageMeter::Share> shares, base::Duration later = base::Duration{1000}) {
    now_ += later;
    meter_.take({{&sample_, std::move(shares)}}, now_);
  }
  model::Usage of(const std::string& task, int attempt = 1) {
    return meter_.of(model::TaskId(task), attempt).value_or(model::Usage{-1, {}, {}, {}, {}});
  }

  UsageMeter meter_;
  model::Sample sample_;
  base::Time now_ = base::from_ms(1'700'000'000'000);
};

TEST_F(Meter, ATaskAloneHasUsedWhatItsDeviceShows) {
  sample_.power_w = 100;
  sample_.utilization_percent = 40;
  look({share("a", 1)});  // when it is seen first nothing is known of the time before
  look({share("a", 3)});
  sample_.utilization_percent = 80;
  look({share("a", 2)});
  const auto usage = of("a");
  EXPECT_DOUBLE_EQ(usage.seconds, 2);
  EXPECT_EQ(usage.peak_memory, Bytes::from_gib(3));
  EXPECT_EQ(usage.mean_memory, Bytes::from_gib(2.5));
  EXPECT_DOUBLE_EQ(*usage.utilization, 60);
  EXPECT_DOUBLE_EQ(*usage.energy_j, 200);
}

TEST_F(Meter, SharersDivideTheEnergyByTheirUtilisation) {
  sample_.power_w = 300;
  sample_.utilization_percent = 75;
  for (int i = 0; i < 3; ++i) look({share("a", 1, 50), share("b", 1, 25)});
  EXPECT_DOUBLE_EQ(*of("a").energy_j, 400);
  EXPECT_DOUBLE_EQ(*of("b").energy_j, 200);
  EXPECT_DOUBLE_EQ(*of("a").utilization, 50);
}

TEST_F(Meter, SharersOfWhomNothingIsKnownDivideEqually) {
  sample_.power_w = 300;
  sample_.utilization_percent = 75;
  for (int i = 0; i < 3; ++i) look({share("a", 1, 50), share("b", 1)});
  EXPECT_DOUBLE_EQ(*of("a").energy_j, 300);
  EXPECT_DOUBLE_EQ(*of("b").energy_j, 300);
  EXPECT_FALSE(of("b").utilization) << "what the device shows is not b's alone";
}

TEST_F(Meter, TheCounterOfEnergyIsMoreThanThePower) {
  sample_.power_w = 1000;
  sample_.energy_mj = 5'000'000;
  look({share("a", 1)});
  sample_.energy_mj = 5'070'000;
  look({share("a", 1)});
  look({share("a", 1)});  // not read again yet
  EXPECT_DOUBLE_EQ(*of("a").energy_j, 70);
  sample_.energy_mj = 10;  // the driver was loaded again
  look({share("a", 1)});
  EXPECT_DOUBLE_EQ(*of("a").energy_j, 1070) << "for this second there is only the power";
}

TEST_F(Meter, AMachineThatSleptHasUsedNothing) {
  sample_.power_w = 100;
  look({share("a", 1)});
  look({share("a", 1)});
  look({share("a", 1)}, std::chrono::hours(8));
  EXPECT_DOUBLE_EQ(*of("a").energy_j, 100);
  EXPECT_DOUBLE_EQ(of("a").seconds, 1);
}

TEST_F(Meter, OfSeveralDevicesMemoryAndEnergyAddUpAndUtilisationIsTheMean) {
  model::Sample other;
  other.device = model::DeviceId("b");
  sample_.device = model::DeviceId("a");
  sample_.power_w = 100;
  other.power_w = 50;
  sample_.utilization_percent = 100;
  other.utilization_percent = 0;
  for (int i = 0; i < 2; ++i) {
    now_ += base::Duration{1000};
    meter_.take({{&sample_, {share("a", 4)}}, {&other, {share("a", 2)}}}, now_);
  }
  EXPECT_EQ(of("a").peak_memory, Bytes::from_gib(6));
  EXPECT_DOUBLE_EQ(*of("a").energy_j, 150);
  EXPECT_DOUBLE_EQ(*of("a").utilization, 50);
}

TEST_F(Meter, AnAbsentReadingIsAbsent) {
  for (int i = 0; i < 3; ++i) look({share("a", std::nullopt)});
  const auto usage = of("a");
  EXPECT_DOUBLE_EQ(usage.seconds, 2);
  EXPECT_FALSE(usage.peak_memory);
  EXPECT_FALSE(usage.mean_memory);
  EXPECT_FALSE(usage.utilization);
  EXPECT_FALSE(usage.energy_j);
}

TEST_F(Meter, ANewAttemptBeginsAnewAndAnOldOneIsNotAnswered) {
  look({share("a", 9)});
  look({share("a", 1, {}, 2)});
  EXPECT_EQ(of("a", 2).peak_memory, Bytes::from_gib(1));
  EXPECT_DOUBLE_EQ(of("a", 1).seconds, -1);
}

TEST_F(Meter, ARestartGoesOnFromWhatWasRecorded) {
  meter_.resume(model::TaskId("a"), 1,
                model::Usage{10, Bytes::from_gib(8), Bytes::from_gib(4), 50, 1000});
  sample_.power_w = 100;
  sample_.utilization_percent = 50;
  look({share("a", 4)});  // the clock starts here
  look({share("a", 4)});
  EXPECT_EQ(of("a").peak_memory, Bytes::from_gib(8));
  EXPECT_EQ(of("a").mean_memory, Bytes::from_gib(4));
  EXPECT_DOUBLE_EQ(*of("a").energy_j, 1100);
  EXPECT_DOUBLE_EQ(of("a").seconds, 11);
}

TEST_F(Meter, WhatHasEndedIsForgotten) {
  look({share("a", 1), share("b", 1)});
  meter_.keep_only({model::TaskId("b")});
  EXPECT_FALSE(meter_.of(model::TaskId("a"), 1));
  EXPECT_TRUE(meter_.of(model::TaskId("b"), 1));
}

}  // namespace
}  // namespace berth::daemon
