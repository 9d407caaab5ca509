// SPDX-License-Identifier: Apache-2.0
// A live daemon's state as the beginning of a run. How long its tasks will take nobody knows: they
// get assumed durations.
#pragma once

#include <optional>
#include <vector>

#include "core/state.h"
#include "sim/simulation.h"

namespace berth::sim {

struct Replay {
  Fleet fleet;
  std::vector<Job> jobs;            // of the tasks in the snapshot, arrivals before 0
  std::vector<core::TaskId> ids;    // theirs
  std::vector<core::State> starts;  // one per policy
};

/// `snapshot` is what core::to_json(State) wrote. Every task, running ones included, lasts `each`
/// from the snapshot on, or as long as `profile` has it. Waiting tasks get each of `policies`.
base::Result<Replay> make_replay(const base::json::object& snapshot,
                                 std::optional<base::Duration> each, const Profile& profile,
                                 std::uint64_t seed, const std::vector<model::Policy>& policies);

}  // namespace berth::sim
