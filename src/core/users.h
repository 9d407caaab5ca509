// SPDX-License-Identifier: Apache-2.0
// What each user has at the moment and had lately: per-user limits and fair share. And what each
// array has, which limits itself.
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

/// Whether as many tasks of the user run as may.
bool user_full(const State& state, const model::Request& request);
/// Whether as many tasks of the array run as may.
bool array_full(const State& state, const model::Request& request);
/// Neither.
bool may_start(const State& state, const model::Request& request);

/// The task's place with its user's share counted in; the order in which a pass goes.
QueueKey rank(const State& state, const TaskEntry& task);

}  // namespace berth::core::users
