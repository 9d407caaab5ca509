// SPDX-License-Identifier: Apache-2.0
// Could this request ever run on this machine? Asked once, when it arrives.
#pragma once

#include <optional>

#include "base/result.h"
#include "core/resolve.h"

namespace berth::core {

/// kDeviceNotFound, kNeverFits, kBadRequest or kQueueFull with what was wrong and what would fit.
/// `places`: how many the queue must have left; a lease takes none, an array one for each task.
base::Result<Resolved> admit(const State& state, const model::Request& request, int places = 1);

/// kBadRequest, or nothing when it is one from 1 to 10.
std::optional<base::Error> check_priority(int priority);

/// The part of it that is about devices; for a task that came before they were known.
base::Result<Resolved> admit_devices(const State& state, const model::Request& request);

}  // namespace berth::core
