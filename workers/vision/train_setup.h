// SPDX-License-Identifier: Apache-2.0
// What has to be settled before a training begins.
#pragma once

#include <optional>
#include <string>

#include "image/batch_loader.h"
#include "protocol/event_writer.h"
#include "vision/train_spec.h"
#include "vision/training_data.h"

namespace berth::vision {

/// Puts the float type that suits the device and the weights of the classes into `spec`.
void settle(TrainSpec* spec, const image::ImageFolder& train, const std::string& device,
            protocol::EventWriter* events);

/// Decoded pictures are kept for the next epoch if both sets together stay below 2 GiB and an
/// eighth of the machine's memory.
image::LoaderOptions loader_options(const TrainSpec& spec, const TrainingData& data, int threads);

/// ModelOptions::head_hidden of the weights to start from, if there are any. What is wrong with the
/// file is said when it is loaded.
std::optional<int64_t> head_hidden(const std::string& weight_path);

}  // namespace berth::vision
