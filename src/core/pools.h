// SPDX-License-Identifier: Apache-2.0
// Named pools of devices (Config::pools).
#pragma once

#include "core/state.h"

namespace berth::core::pools {

/// Sets DeviceEntry::pools of all devices.
void assign(State& state);

/// Whether the device takes the request as far as pools go: one of its pools admits it (the one
/// named, if one is), or it belongs to none and none is named.
bool admits(const State& state, const model::Request& request, const DeviceEntry& device);

/// "small, large": the names of all pools, for messages.
std::string names(const State& state);

}  // namespace berth::core::pools
