// SPDX-License-Identifier: Apache-2.0
// How many pictures a model can learn from at a time.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "vision/train_spec.h"

namespace berth::vision {

/// Tries training steps on a model of its own, twice as many pictures each time, until the device
/// has no more memory or `most` is reached; on the CPU also until more at a time is no faster.
/// The answer is a power of two.
/// Errors: kOutOfMemory when not even two fit; those of Network.
protocol::Result<int64_t> fitting_batch(const TrainSpec& spec, const std::string& device,
                                        int64_t most, protocol::EventWriter* events);

}  // namespace berth::vision
