// SPDX-License-Identifier: Apache-2.0
// The state as JSON, for the store and for bug reports.
#pragma once

#include "base/json.h"
#include "core/state.h"

namespace berth::core {

base::json::object to_json(const State& state);
base::Result<State> state_from_json(const base::json::object& object);

/// `state` with exactly these live tasks, its occupancy derived from their placements: for a store
/// whose journal cannot be replayed, where the task records are the word that counts.
base::Result<State> with_tasks(State state, std::map<TaskId, TaskEntry> tasks);

base::json::object to_json(const Reading& reading);
Reading reading_from_json(const base::json::object& object);

}  // namespace berth::core
