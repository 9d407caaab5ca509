// SPDX-License-Identifier: Apache-2.0
// One run: a fleet, tasks that arrive, and the scheduler of the daemon between them. Time is a
// number; the same arguments give the same result, byte for byte.
//
// The world answers as the daemon's does: a launch is followed by the end of the process after the
// task's duration, its memory is taken once it has warmed up and given back when it ends, and the
// scheduler hears of memory only with the next sample of the devices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/state.h"
#include "sim/workload.h"

namespace berth::sim {

struct Conditions {
  model::Policy policy = model::Policy::kBalanced;
  std::uint64_t seed = 1;          // of what goes wrong; tasks have their own
  base::Duration sample{250};      // between two looks at the devices, as the daemon's sampler does
  base::Duration warm_up{30'000};  // until a task has taken its memory
  double foreign = 0;  // part of the time that a device has somebody else's process on it
  base::Duration mean_time_to_failure{0};  // of one device; 0: none fails
  base::Duration repair{3'600'000};
  /// A live daemon's state to begin with, instead of an empty fleet; its tasks are the first jobs,
  /// in the order of `ids`.
  const core::State* start = nullptr;
  const std::vector<core::TaskId>* ids = nullptr;
};

/// What became of a job.
struct Outcome {
  std::int64_t started_ms = -1;   // of its first attempt; -1: never
  std::int64_t finished_ms = -1;  // -1: never
  std::int64_t ran_ms = 0;        // in its last attempt
  int ends = 0;                   // how often it was said to have ended
  bool refused = false;
  model::TaskState state = model::TaskState::kQueued;
};

struct Result {
  std::vector<Outcome> outcomes;  // one per job
  std::int64_t last_arrival_ms = 0;
  std::int64_t makespan_ms = 0;   // until the last task has ended
  double device_utilization = 0;  // part of the devices' time with a task, until the last arrival
  double memory_utilization = 0;  // part of their memory x time that was reserved, until then
  std::size_t most_waiting = 0;
  std::int64_t device_failures = 0;
  std::int64_t steps = 0;  // inputs that the scheduler got
};

Result simulate(const Fleet& fleet, const std::vector<Job>& jobs, const Conditions& conditions);

}  // namespace berth::sim
