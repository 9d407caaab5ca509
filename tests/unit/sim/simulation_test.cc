// SPDX-License-Identifier: Apache-2.0
#include "sim/simulation.h"

#include <gtest/gtest.h>

#include "sim/summary.h"

namespace berth::sim {
namespace {

Job job(std::int64_t arrival_ms, std::int64_t duration_ms, int gpus) {
  Job job;
  job.arrival_ms = arrival_ms;
  job.duration_ms = duration_ms;
  job.gpus = gpus;
  return job;
}

// Two devices. A and B take one each; C, which wants both, keeps what comes free, so that D, which
// would fit after A, does not overtake it.
const std::vector<Job> kFour{job(0, 10'000, 1), job(0, 20'000, 1), job(1'000, 5'000, 2),
                             job(2'000, 3'000, 1)};

TEST(Simulation, SchedulesAsReckonedByHand) {
  const Fleet fleet = *make_fleet("2xa100", 0);
  const Result result = simulate(fleet, kFour, Conditions{});
  const std::int64_t started[] = {0, 0, 20'000, 25'000};
  const std::int64_t finished[] = {10'000, 20'000, 25'000, 28'000};
  for (std::size_t i = 0; i < kFour.size(); ++i) {
    EXPECT_EQ(result.outcomes[i].started_ms, started[i]) << i;
    EXPECT_EQ(result.outcomes[i].finished_ms, finished[i]) << i;
    EXPECT_EQ(result.outcomes[i].state, model::TaskState::kCompleted) << i;
  }
  EXPECT_EQ(result.makespan_ms, 28'000);
  EXPECT_EQ(result.last_arrival_ms, 2'000);
  EXPECT_DOUBLE_EQ(result.device_utilization, 1);  // both busy until the last one came
  EXPECT_EQ(result.most_waiting, 2U);
  const Summary summary = summarize(kFour, result, base::Duration{22'000});
  EXPECT_DOUBLE_EQ(summary.wait_s.mean, (0 + 0 + 19 + 23) / 4.0);
  EXPECT_DOUBLE_EQ(summary.wait_wide_s.mean, 19);
  EXPECT_DOUBLE_EQ(summary.slowdown.mean, (1 + 1 + 24 / 10.0 + 26 / 10.0) / 4);
  EXPECT_EQ(summary.starved, 1);
}

TEST(Simulation, MemoryThatWasTakenIsFreeWithTheNextSample) {
  const Fleet fleet = *make_fleet("2xa100", 0);
  Conditions conditions;
  conditions.warm_up = base::Duration{1'000};
  const Result result = simulate(fleet, {kFour[0], kFour[1], kFour[2]}, conditions);
  EXPECT_EQ(result.outcomes[2].started_ms, 20'250);
  EXPECT_EQ(result.outcomes[2].finished_ms, 25'250);
}

TEST(Simulation, TasksShareADeviceAsFarAsItsMemoryReaches) {
  const Fleet fleet = *make_fleet("1xa100", 0);
  std::vector<Job> jobs{job(0, 10'000, 1), job(0, 10'000, 1)};
  for (Job& each : jobs) each.memory = base::Bytes{30LL << 30};
  EXPECT_EQ(simulate(fleet, jobs, {}).outcomes[1].started_ms, 0);
  for (Job& each : jobs) each.memory = base::Bytes{60LL << 30};
  EXPECT_EQ(simulate(fleet, jobs, {}).outcomes[1].started_ms, 10'000);
}

TEST(Simulation, ATaskRunsAtThePaceOfItsDevice) {
  const Fleet fleet = *make_fleet("1xa100,1xt4", 0);  // 19.5 and 8.1 TFLOPS, 13.8 on average
  Conditions conditions;
  conditions.policy = model::Policy::kFastest;
  const Result result = simulate(fleet, {job(0, 10'000, 1), job(1, 10'000, 1)}, conditions);
  EXPECT_EQ(result.outcomes[0].ran_ms, 10'000 * 138 / 195);
  EXPECT_EQ(result.outcomes[1].ran_ms, 10'000 * 138 / 81);
}

TEST(Simulation, WhatFitsNowhereIsRefusedAndWhatIsCancelledEndsSo) {
  const Fleet fleet = *make_fleet("1xt4", 0);
  std::vector<Job> jobs{job(0, 1'000, 1), job(0, 1'000, 2)};
  jobs[0].ending = Ending::kCancelled;
  const Result result = simulate(fleet, jobs, {});
  EXPECT_EQ(result.outcomes[0].state, model::TaskState::kCancelled);
  EXPECT_TRUE(result.outcomes[1].refused);
  const Summary summary = summarize(jobs, result, base::Duration{1});
  EXPECT_EQ(summary.cancelled, 1);
  EXPECT_EQ(summary.refused, 1);
}

struct Hard {
  Fleet fleet = *make_fleet("pai", 40);
  std::vector<Job> jobs;
  Conditions conditions;
  Hard() {
    Demand demand;
    demand.tasks = 2'000;
    demand.load = 1.2;
    jobs = make_jobs(*find_profile("pai"), demand, fleet);
    conditions.foreign = 0.2;
    conditions.mean_time_to_failure = std::chrono::hours(200);
  }
};

TEST(Simulation, EveryTaskEndsOnceWhateverHappensToTheDevices) {
  Hard hard;
  for (const auto policy : {model::Policy::kBalanced, model::Policy::kPack}) {
    hard.conditions.policy = policy;
    const Result result = simulate(hard.fleet, hard.jobs, hard.conditions);
    EXPECT_GT(result.device_failures, 0);
    for (std::size_t i = 0; i < hard.jobs.size(); ++i) {
      const Outcome& outcome = result.outcomes[i];
      EXPECT_EQ(outcome.ends, 1) << i;
      EXPECT_GE(outcome.started_ms, hard.jobs[i].arrival_ms) << i;
      EXPECT_GE(outcome.finished_ms, outcome.started_ms) << i;
    }
    const Summary s = summarize(hard.jobs, result, std::chrono::hours(24));
    EXPECT_EQ(s.tasks, s.completed + s.failed + s.cancelled + s.refused + s.never_started);
    EXPECT_LE(s.device_utilization, 1);
    EXPECT_LE(s.memory_utilization, 1);
  }
}

TEST(Simulation, TheSameSeedGivesTheSameBytes) {
  const auto text = [](std::uint64_t seed) {
    Hard hard;
    hard.conditions.seed = seed;
    const Result result = simulate(hard.fleet, hard.jobs, hard.conditions);
    return base::to_text(to_json(summarize(hard.jobs, result, std::chrono::hours(24))));
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

}  // namespace
}  // namespace berth::sim
