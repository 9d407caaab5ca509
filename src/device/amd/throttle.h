// SPDX-License-Identifier: Apache-2.0
// Why an AMD GPU's clocks are lower than they could be, in the words that NVIDIA's have too: what
// heat does is told apart from a power limit, which a busy GPU is meant to reach.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::device::amd {

using Reasons = std::vector<std::string>;

/// By the bits of indep_throttle_status, which mean the same on every GPU: SMU_THROTTLER_*_BIT of
/// the kernel's amdgpu_smu.h.
Reasons reasons_of(std::uint64_t bits);

/// For how many of the firmware's cycles each limit has held the clocks down. What a GPU does not
/// count is absent.
struct Residency {
  std::uint64_t cycles = 0;
  std::optional<std::uint64_t> processor_hot, power, socket_heat, regulator_heat, memory_heat;
  bool operator==(const Residency&) const = default;
};

/// The limits that held in a hundredth of the time or more, which is when AMD's tools call one
/// active. Nothing when no time has passed, or the counters began anew.
std::optional<Reasons> reasons_between(const Residency& before, const Residency& after);

}  // namespace berth::device::amd
