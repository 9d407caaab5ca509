// SPDX-License-Identifier: Apache-2.0
// Of devices that are equally good, those that are nearest to each other.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/device_index.h"

namespace berth::core {

/// `wanted` rows of `pool` so that the sum of the distances between all pairs is small, also of
/// those with `fixed`, which are in the set anyway. Rows that come earlier in the pool are
/// preferred where that makes no difference. `fits` is asked of rows before they are taken, more
/// than once of some. Empty when not so many fit.
///
/// A greedy search from the 64 most promising rows: the best set of a machine whose links form
/// groups, a good one of any other. Time grows with the rows and their links, not with the sets.
std::vector<std::uint32_t> closest(const DeviceIndex& index,
                                   const std::vector<std::uint32_t>& fixed,
                                   const std::vector<std::uint32_t>& pool, std::size_t wanted,
                                   const std::function<bool(std::uint32_t)>& fits);

}  // namespace berth::core
