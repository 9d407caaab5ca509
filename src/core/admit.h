// SPDX-License-Identifier: Apache-2.0
// Could this request ever run on this machine? Asked once, when it arrives.
#pragma once

#include "base/result.h"
#include "core/resolve.h"

namespace berth::core {

/// kDeviceNotFound, kNeverFits, kBadRequest or kQueueFull with what was wrong and what would fit.
/// `waits`: it would take a place in the queue.
base::Result<Resolved> admit(const State& state, const model::Request& request, bool waits = true);

/// The part of it that is about devices; for a task that came before they were known.
base::Result<Resolved> admit_devices(const State& state, const model::Request& request);

}  // namespace berth::core
