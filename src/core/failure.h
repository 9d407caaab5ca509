// SPDX-License-Identifier: Apache-2.0
// What becomes of a task whose attempt ended badly, and of tasks whose device was lost.
#pragma once

#include <vector>

#include "core/input.h"
#include "core/output.h"
#include "core/state.h"

namespace berth::core {

/// What kind of failure this end is; std::nullopt for a good one.
std::optional<model::FailureKind> failure_of(const TaskEntry& task, const Exited& input);

/// Whether the task is started again after such a failure.
bool may_retry(const TaskEntry& task, model::FailureKind kind);

/// Queues the task, which has given its devices back, for its next attempt.
void retry(State& state, TaskEntry& task, model::FailureKind kind, const model::Exit& exit,
           std::optional<Bytes> peak, bool fenced, std::vector<Output>& outputs);

/// The device is lost, or given up: its tasks are killed and its leases end.
void evict(State& state, DeviceEntry& device, std::vector<Output>& outputs);

/// Health as the newest reading says: evicts when the device is lost, waits a while when its driver
/// does not answer.
void follow_health(State& state, DeviceEntry& device, std::vector<Output>& outputs);

/// What a task that ran out of memory should ask for: a quarter more than it had reserved or used,
/// no more than the largest device can give. std::nullopt where there is nothing to reckon from.
std::optional<Bytes> suggested_memory(const State& state, const TaskEntry& task,
                                      std::optional<Bytes> peak);

/// Sets the alarms for what has hung or is being killed, by the configuration as it is: after a
/// restart, and when that changed. One that is no longer right does nothing when it goes off.
void arm_failures(State& state);

void end_lease(State& state, TaskId id, std::string cause, std::vector<Output>& outputs);

/// Does what is due by `state.latest`. Whether anything changed.
bool wake(State& state, std::vector<Output>& outputs);

}  // namespace berth::core
