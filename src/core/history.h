// SPDX-License-Identifier: Apache-2.0
// What is remembered of tasks by their signature, so that the next of their kind can be judged.
#pragma once

#include <optional>

#include "core/state.h"

namespace berth::core::history {

/// The task has ended: what it used at the most, and, when it ended well, how long it took.
void remember(State& state, const TaskEntry& task, std::optional<Bytes> peak, bool good);

/// Most memory seen of tasks like it; std::nullopt for none, or when it does not go by them.
std::optional<Bytes> peak(const State& state, const model::Request& request);

/// How long tasks like it took lately.
std::optional<base::Duration> duration(const State& state, const model::Request& request);

/// More signatures than these are not kept; the one seen longest ago goes.
inline constexpr std::size_t kMostSignatures = 4096;

}  // namespace berth::core::history
