// SPDX-License-Identifier: Apache-2.0
// The training task: epochs of Adam on cross-entropy at a constant learning rate, validation of the
// averaged weights after each, checkpoints of the best and the last epoch, events all along.
#pragma once

#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "vision/train_spec.h"

namespace berth::vision {

/// Runs to the end. Writes `<save_path>/best_model.safetensors`, `last_model.safetensors`, their
/// .json sidecars and `config.yaml`. The error, if any, has not been reported to `events` yet.
protocol::Status train(const TrainSpec& spec, protocol::EventWriter* events);

}  // namespace berth::vision
