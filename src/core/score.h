// SPDX-License-Identifier: Apache-2.0
// The order in which devices that fit are preferred, as integers.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "core/state.h"

namespace berth::core {

/// Smaller is better; ties are broken by device UUID.
using Score = std::array<std::int64_t, 4>;

/// balanced: fewest running tasks of any kind relative to the limits, then most effective free
/// memory, then lowest utilisation. most_free, least_loaded, pack, spread and fastest as named.
/// With group_by_kind devices come first where only tasks of the request's kind run, those last
/// where others do; then the policy decides.
Score score(const State& state, const model::Request& request, const DeviceEntry& device);

}  // namespace berth::core
