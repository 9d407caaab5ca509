// SPDX-License-Identifier: Apache-2.0
// The second look: whether a task that was placed, but not started yet, still finds on its devices
// what was reserved for it.
#pragma once

#include <optional>

#include "core/state.h"

namespace berth::core {

/// Why `task`, which is running by the state and has no process yet, must not be started: the first
/// of its devices that is unhealthy, has no reading, or has less memory free (effective_free with
/// the task's own reservation left out) than the reservation is content with. std::nullopt when it
/// can start.
///
/// Never stricter than what filter() asks for in the same state: a task that is refused here and
/// queued again is not placed on the same device by the same reading.
std::optional<model::Refusal> recheck(const State& state, const TaskEntry& task);

}  // namespace berth::core
