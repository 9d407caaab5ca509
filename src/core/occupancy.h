// SPDX-License-Identifier: Apache-2.0
// Who has what of which device: the only functions that change a device's occupancy.
#pragma once

#include "core/place.h"
#include "core/state.h"

namespace berth::core {

/// The task, which is in no queue, runs from now on: a new attempt.
void reserve(State& state, TaskEntry& task, Decision decision);

/// Gives back what the task has. Its state is the caller's business.
void release(State& state, TaskEntry& task);

/// Gives back what the task has although its process may still be there. Devices of it that are not
/// well take nothing until lift_fence().
void fence(State& state, TaskEntry& task);

/// Whether a process of the task is left that could not be killed with its device.
bool is_fenced(const State& state, const TaskId& task);

/// The process of a fenced attempt is gone. Whether there was such a fence.
bool lift_fence(State& state, const Attempt& attempt);

/// Whether tasks can be started on the device as far as its own state goes.
bool is_healthy(const DeviceEntry& device);

}  // namespace berth::core
