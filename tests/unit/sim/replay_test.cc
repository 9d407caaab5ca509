// SPDX-License-Identifier: Apache-2.0
#include "sim/replay.h"

#include <gtest/gtest.h>

#include "core/snapshot.h"
#include "core/step.h"

namespace berth::sim {
namespace {

constexpr base::Duration kMinute{60'000};

// One device; "a" has it since a minute, "b" and "c" wait.
base::json::object snapshot() {
  core::State state;
  base::Time now = base::from_ms(1'800'000'000'000);
  const Fleet fleet = *make_fleet("1xa100", 0);
  core::step(state, core::SetInventory{fleet.devices, true}, now);
  core::Reading reading;
  reading.device = fleet.devices.front().id;
  reading.total = reading.free = fleet.devices.front().total_memory;
  core::step(state, core::SetReadings{{reading}}, now);
  for (const char* id : {"a", "b", "c"}) {
    core::Submit submit;
    submit.request.id = core::TaskId(id);
    submit.request.selector = *model::parse_selector("cuda");
    core::step(state, submit, now);
  }
  core::step(state, core::SetReadings{}, now + kMinute);
  return core::to_json(state);
}

TEST(Replay, TheTasksOfASnapshotGoOnAndAllEnd) {
  const auto policies = std::vector{model::Policy::kBalanced, model::Policy::kPack};
  const auto replay = make_replay(snapshot(), kMinute, profiles().front(), 1, policies);
  ASSERT_TRUE(replay) << replay.error().message;
  ASSERT_EQ(replay->starts.size(), 2U);
  EXPECT_EQ(replay->fleet.gpus(), 1U);
  Conditions conditions;
  conditions.start = &replay->starts[1];
  conditions.ids = &replay->ids;
  const Result result = simulate(replay->fleet, replay->jobs, conditions);
  ASSERT_EQ(result.outcomes.size(), 3U);
  EXPECT_EQ(result.outcomes[0].started_ms, 0);  // ran already
  EXPECT_EQ(result.outcomes[0].finished_ms, kMinute.count());
  EXPECT_EQ(replay->jobs[1].arrival_ms, -kMinute.count());
  // The memory of its forerunner is free with the next sample.
  EXPECT_EQ(result.outcomes[1].started_ms, kMinute.count() + 250);
  EXPECT_EQ(result.outcomes[2].started_ms, 2 * (kMinute.count() + 250));
  for (const Outcome& outcome : result.outcomes) EXPECT_EQ(outcome.ends, 1);
}

TEST(Replay, WhatIsNoSnapshotIsRefused) {
  EXPECT_FALSE(make_replay({}, {}, profiles().front(), 1, {model::Policy::kBalanced}));
  EXPECT_FALSE(make_replay({{"devices", base::json::array{1}}}, {}, profiles().front(), 1,
                           {model::Policy::kBalanced}));
}

}  // namespace
}  // namespace berth::sim
