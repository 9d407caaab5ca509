// SPDX-License-Identifier: Apache-2.0
// How the back end's files ask the driver for a reading that it may not have.
#pragma once

#include <optional>

#include "device/nvml/backend.h"

namespace berth::device::nvml {

inline std::optional<int> as_int(std::optional<unsigned> value) {
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

inline std::optional<double> watts(std::optional<unsigned> milliwatts) {
  return milliwatts ? std::optional<double>(*milliwatts / 1000.0) : std::nullopt;
}

template <class Function, class... Arguments>
bool NvmlBackend::ask(model::Sample& sample, Function function, Arguments... arguments) const {
  if (function == nullptr || sample.health == model::Health::kLost) return false;
  const int code = function(arguments...);
  note(sample, code);
  return code == kSuccess;
}

template <class Function, class... Arguments>
std::optional<unsigned> NvmlBackend::number(model::Sample& sample, Function function,
                                            Arguments... arguments) const {
  unsigned value = 0;
  if (!ask(sample, function, arguments..., &value)) return std::nullopt;
  return value;
}

}  // namespace berth::device::nvml
