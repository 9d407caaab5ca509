// SPDX-License-Identifier: Apache-2.0
// Devices kept for a waiting task that smaller ones would otherwise starve: one that needs several
// devices at a time, or one that has waited longer than Config::aging. The first such task of the
// queue, and no other, holds as many devices as it needs. Tasks ranked behind it may still use
// them where that cannot delay it (backfill). A hold is derived from the state, never stored.
#pragma once

#include <map>
#include <optional>

#include "core/filter.h"
#include "core/memory.h"
#include "core/state.h"

namespace berth::core {

struct Hold {
  TaskId task;
  Kind kind = Kind::kCommand;
  QueueKey key;  // tasks ranked before it are not held back
  std::map<DeviceId, Need> devices;
};

/// Whether `task` is of those that may hold devices while they wait.
bool may_hold(const State& state, const TaskEntry& task);

/// The devices that come free for `task` soonest, as far as one can tell: those that fit already,
/// then those with the fewest tasks. std::nullopt when there are not enough that would take it even
/// with none of our tasks there.
std::optional<Hold> make_hold(const State& state, const TaskEntry& task);

/// The hold that stands in the way of `task`, if there is one.
std::optional<Hold> hold_before(const State& state, const TaskEntry& task);

/// Whether a task of `kind` that got `fit` on this device could make the holder wait longer.
bool delays(const State& state, const Hold& hold, Kind kind, const Fit& fit,
            const DeviceEntry& device);

}  // namespace berth::core
