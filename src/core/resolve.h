// SPDX-License-Identifier: Apache-2.0
// From a device string to the devices of this machine that it means.
#pragma once

#include <vector>

#include "base/result.h"
#include "core/output.h"
#include "core/state.h"

namespace berth::core {

struct Resolved {
  std::vector<const DeviceEntry*>
      devices;       // candidates, inside the state; for named devices exactly these
  bool all = false;  // the task gets all of them, not one of them
  Fallback fallback = Fallback::kNone;

  /// How many of the candidates the request gets.
  [[nodiscard]] std::size_t wanted(const model::Request& request) const;
};

/// kDeviceNotFound with the list of what is there. An empty candidate list without error means
/// that the inventory is not known yet, or that all GPUs are gone for the moment.
base::Result<Resolved> resolve(const State& state, const model::Request& request);

/// The processor instead of what was asked for.
Resolved on_processor(const State& state, Fallback why);

}  // namespace berth::core
