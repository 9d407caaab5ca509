// SPDX-License-Identifier: Apache-2.0
// Environment variables by which frameworks learn how much of a device they may take.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/units.h"
#include "model/task.h"

namespace berth::daemon {

/// For a task that asked for a part of its devices; empty for one that has them whole, and where
/// Berth worked the figure out itself: a hint is a wall to most allocators, and an estimate must
/// not be one. `total` is the smallest memory of the devices.
///
/// XLA (JAX) would otherwise take three quarters of the device at its start, TensorFlow all of it.
std::map<std::string, std::string> allocator_hints(const model::Placement& placement,
                                                   std::optional<base::Bytes> total);

}  // namespace berth::daemon
