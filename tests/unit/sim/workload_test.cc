// SPDX-License-Identifier: Apache-2.0
// The generated tasks have the statistics that workload.cc gives sources for.
#include "sim/workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace berth::sim {
namespace {

constexpr std::int64_t kMany = 200'000;

std::vector<Job> draw(std::string_view profile, std::int64_t tasks = kMany,
                      std::string_view fleet = "a100") {
  Demand demand;
  demand.tasks = tasks;
  return make_jobs(*find_profile(profile), demand, *make_fleet(fleet, 1000));
}

template <class Value>
double mean(const std::vector<Job>& jobs, Value value) {
  double sum = 0;
  for (const Job& job : jobs) sum += static_cast<double>(value(job));
  return sum / static_cast<double>(jobs.size());
}

TEST(Workload, HeliosHasTheSizesDurationsAndEndingsOfTheTrace) {
  const auto jobs = draw("helios");
  std::vector<std::int64_t> durations;
  for (const Job& job : jobs) durations.push_back(job.duration_ms);
  std::nth_element(durations.begin(), durations.begin() + kMany / 2, durations.end());
  EXPECT_NEAR(mean(jobs, [](const Job& job) { return job.gpus; }), 3.716, 0.1);
  EXPECT_NEAR(static_cast<double>(durations[kMany / 2]) / 1000, 206, 10);
  EXPECT_NEAR(mean(jobs, [](const Job& job) { return job.duration_ms / 1000; }), 6'652, 500);
  EXPECT_NEAR(mean(jobs, [](const Job& job) { return job.gpus * job.duration_ms / 1000; }), 49'352,
              7'500);
  EXPECT_NEAR(mean(jobs, [](const Job& job) { return job.ending == Ending::kCompleted; }), 0.624,
              0.01);
  EXPECT_NEAR(mean(jobs, [](const Job& job) { return job.ending == Ending::kFailed; }), 0.155,
              0.01);
}

TEST(Workload, PhillyHasTheSizesAndDurationsOfItsModel) {
  const auto jobs = draw("philly");
  std::map<int, int> sizes;
  std::int64_t longer = 0;
  for (const Job& job : jobs) {
    ++sizes[job.gpus];
    longer += job.duration_ms > 60'000'000 ? 1 : 0;  // 10^3 minutes
    EXPECT_GE(job.duration_ms, 1'897'000);           // 10^1.5 minutes
    EXPECT_LE(job.duration_ms, 600'000'000);
  }
  const auto part = [](auto count) { return static_cast<double>(count) / kMany; };
  EXPECT_NEAR(part(sizes[1]), 0.70, 0.01);
  EXPECT_NEAR(part(sizes[2]), 0.10, 0.01);
  EXPECT_NEAR(part(sizes[4]), 0.15, 0.01);
  EXPECT_NEAR(part(sizes[8]), 0.05, 0.01);
  EXPECT_NEAR(part(longer), 0.20, 0.01);
}

TEST(Workload, InPaiPartOfTheTasksShareADevice) {
  const Fleet fleet = *make_fleet("a100", 1000);
  const auto jobs = draw("pai");
  EXPECT_NEAR(mean(jobs, [](const Job& job) { return job.memory.value > 0; }), 0.283, 0.01);
  std::vector<Job> single;
  for (const Job& job : jobs)
    if (job.gpus == 1) single.push_back(job);
  // Of a task with one GPU: 0.717 + 0.283 * 0.325 = 0.809 if all had one.
  EXPECT_NEAR(mean(jobs, [&](const Job& job) { return device_share(job, fleet); }), 0.809, 0.01);
  for (const Job& job : jobs) EXPECT_TRUE(job.gpus == 1 || job.memory.value == 0);
}

TEST(Workload, FewUsersSubmitMuch) {
  std::map<int, int> users;
  for (const Job& job : draw("pai")) ++users[job.user];
  EXPECT_GT(users.size(), 1'250U);
  EXPECT_LE(users.size(), 1'300U);
  EXPECT_NEAR(static_cast<double>(users[0]) / users[9], 10, 1.5);  // Zipf
}

TEST(Workload, ArrivalsAreInOrderAndFollowTheDay) {
  const auto jobs = draw("helios");
  EXPECT_TRUE(std::is_sorted(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) {
    return a.arrival_ms < b.arrival_ms;
  }));
  std::map<std::int64_t, double> hours;
  for (const Job& job : jobs) ++hours[job.arrival_ms / 3'600'000 % 24];
  // 1.5 to 0.5 at the very peak and trough; whole hours are a little less extreme.
  EXPECT_NEAR(hours[15] / hours[3], 3, 0.4);
}

TEST(Workload, LoadIsDemandedDeviceTimePerDeviceTime) {
  const Fleet fleet = *make_fleet("a100", 1000);
  const auto jobs = draw("pai");
  double demanded = 0;
  for (const Job& job : jobs)
    demanded += static_cast<double>(job.duration_ms) * job.gpus * device_share(job, fleet);
  const double there = 1000.0 * static_cast<double>(jobs.back().arrival_ms);
  EXPECT_NEAR(demanded / there, Demand{}.load, 0.01);
}

TEST(Workload, TheSameSeedDrawsTheSameTasks) {
  const auto once = draw("pai", 1000), again = draw("pai", 1000);
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(once[i].arrival_ms, again[i].arrival_ms);
    EXPECT_EQ(once[i].duration_ms, again[i].duration_ms);
    EXPECT_EQ(once[i].gpus, again[i].gpus);
    EXPECT_EQ(once[i].memory, again[i].memory);
  }
}

TEST(Fleets, HaveTheModelsThatWereAskedFor) {
  const auto count = [](const Fleet& fleet, std::string_view part) {
    return std::count_if(fleet.devices.begin(), fleet.devices.end(), [&](const auto& device) {
      return device.model.find(part) != std::string::npos;
    });
  };
  const Fleet list = *make_fleet("6xa100,2xt4", 1);
  EXPECT_EQ(list.gpus(), 8U);
  EXPECT_EQ(count(list, "A100"), 6);
  EXPECT_EQ(count(list, "T4"), 2);
  EXPECT_EQ(list.devices.back().name, "cpu");
  const Fleet pai = *make_fleet("pai", 6742);  // the size of the original
  EXPECT_EQ(pai.gpus(), 6742U);
  EXPECT_EQ(count(pai, "V100"), 832 + 1080);
  EXPECT_EQ(count(pai, "P100"), 1596);
  EXPECT_EQ(make_fleet("pai", 1)->gpus(), 1U);
  EXPECT_EQ(make_fleet("pai", 10'000)->gpus(), 10'000U);
  EXPECT_FALSE(make_fleet("a100", 10'001));
  EXPECT_FALSE(make_fleet("3xh1000", 1));
  EXPECT_FALSE(make_fleet("", 1));
}

}  // namespace
}  // namespace berth::sim
