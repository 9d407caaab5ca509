// SPDX-License-Identifier: Apache-2.0
// Whether one device takes one task now, and if not, why.
#pragma once

#include <optional>
#include <variant>

#include "core/memory.h"
#include "core/resolve.h"
#include "core/state.h"

namespace berth::core {

struct Fit {
  Bytes reserve;
  bool whole = false;
  model::ReservationRule rule = model::ReservationRule::kNone;
};

using Verdict = std::variant<Fit, model::Refusal>;

/// `resolved` are the devices that the request means (resolve.h). Rules in order: selector, MIG,
/// type, size, health, kind limit, exclusivity, cores, memory.
Verdict filter(const State& state, const model::Request& request, const Resolved& resolved,
               const DeviceEntry& device);

/// The same answer without words, for a device that the request means: a pass over a thousand
/// devices has no use for the text.
std::optional<Fit> fit(const State& state, const model::Request& request,
                       const DeviceEntry& device);

/// Whether the device would take the task if none of ours ran there.
bool fits_idle(const State& state, const model::Request& request, const DeviceEntry& device);

}  // namespace berth::core
