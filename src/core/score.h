// SPDX-License-Identifier: Apache-2.0
// The order in which devices that fit are preferred, as integers.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "core/state.h"

namespace berth::core {

/// Smaller is better; ties are broken by device UUID.
using Score = std::array<std::int64_t, 6>;

/// All that a device's score depends on.
struct Figures {
  std::int64_t load = 0;  // running tasks relative to the limits, in thousandths
  std::int64_t tasks = 0;
  std::array<int, 3> running{};  // by kind
  std::int64_t free = 0;         // effective free memory; 0 when the driver gives no reading
  std::int64_t utilization = 0;
  std::int64_t speed = 0;  // model::speed
  std::int64_t clock = 0;
  std::int64_t index = 0;  // in its vendor's order
  bool throttled = false;
  bool operator==(const Figures&) const = default;
};

Figures figures_of(const DeviceEntry& device);

/// balanced: fewest running tasks of any kind relative to the limits, then most effective free
/// memory, then lowest utilisation. most_free, least_loaded, pack, spread and fastest as named.
/// With group_by_kind devices come first where only tasks of the request's kind run, those last
/// where others do; then the policy decides. A throttled device comes after all others, and of
/// equal ones the first in its vendor's order is taken.
Score score(const State& state, const model::Request& request, const Figures& figures);

/// The score in coarse steps (free memory 4 GiB, utilisation 25 points): devices with the same one
/// are equally good where something else counts, such as how near they are to each other.
Score tier(const State& state, const model::Request& request, const Figures& figures);

}  // namespace berth::core
