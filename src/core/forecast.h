// SPDX-License-Identifier: Apache-2.0
// When a waiting task would start, as far as one can tell.
#pragma once

#include <optional>

#include "core/state.h"

namespace berth::core {

/// When `task` would start if nothing new came: the scheduler itself is run ahead, with the tasks
/// that run and those that come before this one. Each is taken to end when tasks like it did
/// (history.h), or at its time limit; a lease when it expires. What nobody can tell the end of is
/// taken to go on. std::nullopt when the task does not start within what can be told, and where
/// there is too much to look ahead through (kMost...): this is asked while others wait for answers.
std::optional<Time> earliest_start(const State& state, const TaskEntry& task);

inline constexpr std::size_t kMostForecastTasks = 512;
inline constexpr std::size_t kMostForecastDevices = 1024;
inline constexpr int kMostForecastEvents = 512;

}  // namespace berth::core
