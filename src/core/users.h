// SPDX-License-Identifier: Apache-2.0
// What each user has at the moment and had lately: per-user limits and fair share.
#pragma once

#include "core/state.h"

namespace berth::core::users {

/// Running and waiting counts; called whenever a task changes between the two.
void starts(State& state, const TaskEntry& task);
void stops(State& state, const TaskEntry& task);
void waits(State& state, const TaskEntry& task);
void waits_no_more(State& state, const TaskEntry& task);

/// Device time (devices x ms) of the user, decayed: halved each half-life, in between linearly.
std::int64_t device_ms(const State& state, const std::string& user);

/// Whether the user may have one more running.
bool may_start(const State& state, const std::string& user);

/// The task's place with its user's share counted in; the order in which a pass goes.
QueueKey rank(const State& state, const TaskEntry& task);

}  // namespace berth::core::users
