// SPDX-License-Identifier: Apache-2.0
// Filter and score over all devices: where a waiting task would run now.
#pragma once

#include <optional>
#include <set>

#include "core/hold.h"
#include "core/output.h"
#include "core/state.h"

namespace berth::core {

struct Decision {
  model::Placement placement;
  std::set<DeviceId> whole;  // those of its devices that the task has to itself
  Fallback fallback = Fallback::kNone;
};

/// std::nullopt when the task has to wait. `hold`: devices kept for a task ranked before; may be
/// null.
std::optional<Decision> place(const State& state, const TaskEntry& task, const Hold* hold);

}  // namespace berth::core
