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

/// The size that a card of this much memory is sold as, in GiB: 24 for one that reports 23.69, or
/// 22.49 with error correction. 0 when no card near that size is known.
int nominal_gib(Bytes total);

/// What `request` reserves on `device`:
/// - as requested; the card's nominal size ("32" on one that reports 31.75) means the whole card;
/// - else the fraction of a GPU's memory that was asked for;
/// - else the peak of earlier tasks with the same signature;
/// - else, on a GPU, what Berth estimates for a built-in task;
/// - else, on a GPU, a training task 60 % and an inference task 40 % of the device, divided by the
///   device's limit for that kind (a full house of both fits); a command the whole device;
/// - on the processor nothing.
/// std::nullopt when the device is too small for it.
std::optional<Need> need(const State& state, const model::Request& request,
                         const DeviceEntry& device);

/// The least of `bytes` that a reservation by this rule is content with.
Bytes least(model::ReservationRule rule, Bytes bytes);

/// Driver-reported free memory minus, for each of our running tasks, the part of its reservation
/// that it has not yet taken; never more than what is not reserved. Never negative. std::nullopt
/// when the driver gives no reading.
std::optional<Bytes> effective_free(const DeviceEntry& device);

/// What would be free if none of our tasks ran there. std::nullopt as above.
std::optional<Bytes> idle_free(const DeviceEntry& device);

/// A task that holds more than `reserved` by more than 5 %, or than a CUDA context or two. What was
/// not reserved cannot be exceeded.
bool exceeds(Bytes used, Bytes reserved);

/// A reservation that Berth worked out itself (the whole device, a nominal size, a kind's share) is
/// content with this part of it: a desktop session or a monitoring tool blocks nobody.
inline constexpr int kEnoughPercent = 90;

}  // namespace berth::core
