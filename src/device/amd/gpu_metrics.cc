// SPDX-License-Identifier: Apache-2.0
#include "device/amd/gpu_metrics.h"

namespace berth::device::amd {

namespace {

// The head, in every revision: the table's size, its format, its content.
constexpr std::size_t kSize = 0, kFormat = 2, kContent = 3;
// Of format 1, contents 1 to 3.
constexpr std::size_t kStatus = 68;
// Of content 3 only.
constexpr std::size_t kIndependentStatus = 112;

}  // namespace

std::optional<Reasons> throttle_of(std::string_view table) {
  const auto size = field<std::uint16_t>(table, kSize);
  const auto content = field<std::uint8_t>(table, kContent);
  if (!size || *size > table.size() || field<std::uint8_t>(table, kFormat) != 1)
    return std::nullopt;
  if (!content || *content < 1 || *content > 3) return std::nullopt;
  table = table.substr(0, *size);
  if (*content == 3) {
    if (const auto bits = field<std::uint64_t>(table, kIndependentStatus)) return reasons_of(*bits);
  }
  // What these bits mean differs from one kind of GPU to the next, so they tell only of none.
  if (field<std::uint32_t>(table, kStatus) == 0U) return Reasons{};
  return std::nullopt;
}

}  // namespace berth::device::amd
