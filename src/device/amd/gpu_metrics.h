// SPDX-License-Identifier: Apache-2.0
// The table of the sysfs file gpu_metrics: struct gpu_metrics_v1_1 to _v1_3 of the kernel's
// kgd_pp_interface.h, as far as throttling goes. Its numbers are in the machine's own byte order.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "device/amd/throttle.h"

namespace berth::device::amd {

/// An unsigned number in a table. Nothing behind its end, nor where every bit is set: so the driver
/// and AMD's library write what they do not know.
template <class Number>
std::optional<Number> field(std::string_view table, std::size_t offset) {
  Number value{};
  if (table.size() < offset + sizeof value) return std::nullopt;
  std::memcpy(&value, table.data() + offset, sizeof value);
  return value == std::numeric_limits<Number>::max() ? std::nullopt : std::optional(value);
}

/// Nothing where the table is cut short or of a revision that does not tell: other formats are of
/// processors' graphics, and from 1.4 on bits give way to counters.
std::optional<Reasons> throttle_of(std::string_view table);

}  // namespace berth::device::amd
