// SPDX-License-Identifier: Apache-2.0
// What keeps a task to the memory that was reserved for it, and away from devices of others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "model/task.h"

namespace berth::model {

/// From the weakest to the strongest.
enum class Rung : std::uint8_t {
  kNone,      // nothing is reserved, so nothing is held to
  kWatchdog,  // the memory is measured each second; what follows is configured
  kHints,     // the program is told (environment, built-in worker); it may ignore that
  kMps,       // the CUDA driver refuses allocations, by CUDA MPS
  kKernel     // the kernel or the driver refuses them, by the task's cgroup
};
std::string_view to_text(Rung rung);
std::optional<Rung> rung_from_text(std::string_view text);

/// Of one attempt. Over several devices the weakest counts.
struct Enforcement {
  Rung rung = Rung::kNone;
  std::string by;       // "dmem", "nvidia memory limits", "CUDA MPS", ...: what the rung rests on
  bool fenced = false;  // GPUs that were not given cannot be opened
  std::string fence;    // why not; empty when fenced
  bool operator==(const Enforcement&) const = default;
};

/// Whether a reservation by this rule was the client's own figure, so that the task may be held to
/// it. What Berth worked out itself (a share, an earlier peak) is an estimate: a task that outgrows
/// it has broken no promise, and is only warned about.
constexpr bool is_binding(ReservationRule rule) {
  return rule == ReservationRule::kRequested || rule == ReservationRule::kNominal ||
         rule == ReservationRule::kFraction;
}

base::json::object to_json(const Enforcement& enforcement);
Enforcement enforcement_from_json(const base::json::object& object);

}  // namespace berth::model
