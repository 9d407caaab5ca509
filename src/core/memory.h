// SPDX-License-Identifier: Apache-2.0
// How much of a device a task needs and how much of it is really free.
#pragma once

#include <optional>

#include "core/state.h"

namespace berth::core {

struct Need {
  Bytes bytes;         // 0: nothing is reserved
  bool whole = false;  // the device to itself, as far as others leave it
  model::ReservationRule rule = model::ReservationRule::kNone;
};

/// What the device could give to tasks if nobody used it: total minus what the driver keeps.
std::optional<Bytes> usable_memory(const DeviceEntry& device);

/// The size that a card of this much memory is sold as, in GiB: 24 for one that reports 23.69.
/// 0 when no card near that size is known.
int nominal_gib(Bytes total);

/// What `request` reserves on `device`:
/// - as requested; a nominal size ("32" on a card that reports 31.75) means the whole card;
/// - else the peak of earlier tasks with the same signature;
/// - else, on a GPU, a training task 60 % and an inference task 40 % of the device, divided by the
///   device's limit for that kind (a full house of both fits); a command the whole device;
/// - on the processor nothing.
/// std::nullopt when the device is too small for it.
std::optional<Need> need(const State& state, const model::Request& request, const DeviceEntry& device);

/// Driver-reported free memory minus, for each of our running tasks, the part of its reservation
/// that it has not yet taken. Never negative. std::nullopt when the driver gives no reading.
std::optional<Bytes> effective_free(const DeviceEntry& device);

/// A device counts as wholly free when at least this share of its usable memory is: a desktop
/// session or a monitoring tool does not block a task that wants the card to itself.
inline constexpr int kWholeDevicePercent = 90;

}  // namespace berth::core
