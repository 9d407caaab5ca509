// SPDX-License-Identifier: Apache-2.0
// Tasks that do not run: in the queue, or set aside until something happens (a release, the end of
// another task, a time).
#pragma once

#include <functional>

#include "core/output.h"
#include "core/state.h"

namespace berth::core {

/// The task waits from now on: in the queue, or aside when it is parked.
void enqueue(State& state, TaskEntry& task);

/// Takes a waiting task out.
void dequeue(State& state, TaskEntry& task);

/// Changes something that decides on where a waiting task waits.
void change_waiting(State& state, TaskEntry& task, const std::function<void(TaskEntry&)>& change);

/// The task, which is in no queue and has no reservation, is over, and with it whatever can never
/// run after it.
void finish(State& state, const TaskId& id, model::TaskState end, model::Exit exit,
            base::Phrase why, std::vector<Output>& outputs);

/// Number of tasks that wait, parked ones included.
std::size_t waiting(const State& state);

}  // namespace berth::core
