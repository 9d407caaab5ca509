// SPDX-License-Identifier: Apache-2.0
#include "device/amd/throttle.h"

#include <algorithm>
#include <array>

#include "model/device_words.h"

namespace berth::device::amd {

namespace {

constexpr std::string_view kPower = model::words::kPowerLimit;
constexpr std::string_view kHeat = model::words::kTemperature;
constexpr std::string_view kHardwareHeat = model::words::kTemperatureHardware;

// Limits of power (bits 0 to 7) and of current (16 to 23) are both of the board's supply.
constexpr std::uint64_t kPowerBits = 0x0000'0000'00FF'00FF;
// TEMP_* of the chip, its memory, its regulators and its liquid: 32 to 43.
constexpr std::uint64_t kHeatBits = 0x0000'0FFF'0000'0000;
// VRHOT* and PROCHOT_*, pins that a regulator or the board pulls: 44 to 47.
constexpr std::uint64_t kHardwareHeatBits = 0x0000'F000'0000'0000;

void add(Reasons& reasons, std::string_view text) {
  if (std::find(reasons.begin(), reasons.end(), text) == reasons.end()) reasons.emplace_back(text);
}

}  // namespace

Reasons reasons_of(std::uint64_t bits) {
  Reasons reasons;
  if ((bits & kPowerBits) != 0) add(reasons, kPower);
  if ((bits & kHeatBits) != 0) add(reasons, kHeat);
  if ((bits & kHardwareHeatBits) != 0) add(reasons, kHardwareHeat);
  return reasons;
}

std::optional<Reasons> reasons_between(const Residency& before, const Residency& after) {
  struct Limit {
    std::optional<std::uint64_t> Residency::* held;
    std::string_view text;
  };
  constexpr std::array kLimits{
      Limit{&Residency::power, kPower}, Limit{&Residency::socket_heat, kHeat},
      Limit{&Residency::regulator_heat, kHeat}, Limit{&Residency::memory_heat, kHeat},
      Limit{&Residency::processor_hot, kHardwareHeat}};
  if (after.cycles <= before.cycles) return std::nullopt;
  const std::uint64_t hundredth = (after.cycles - before.cycles + 99) / 100;
  std::optional<Reasons> reasons;
  for (const Limit& limit : kLimits) {
    const auto& from = before.*limit.held;
    const auto& to = after.*limit.held;
    if (!from || !to || *to < *from) continue;
    if (!reasons) reasons.emplace();
    if (*to - *from >= hundredth) add(*reasons, limit.text);
  }
  return reasons;
}

}  // namespace berth::device::amd
