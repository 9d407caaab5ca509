// SPDX-License-Identifier: Apache-2.0
// What a training task is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/result.h"

namespace berth::vision {

struct TrainSpec {
  std::string model;
  int64_t num_classes = 0;
  std::string train_path, val_path;  ///< ImageFolder layout
  std::string save_path;             ///< folder, made if needed
  int64_t batch_size = 8;
  int64_t num_epochs = 100;
  double learning_rate = 1e-4;
  int64_t image_size = 224;  ///< side in pixels
  std::string weight_path;   ///< safetensors to start from; empty: none
  bool pretrained = false;
  bool shuffle = true;
  uint64_t seed = 0;
  std::optional<int64_t> threads;  ///< absent: see runtime::thread_count
  std::string device;              ///< empty: the best there is
};

/// Reads and checks a specification. Errors: kIoError, kBadRequest (names the field).
protocol::Result<TrainSpec> read_train_spec(const std::string& path);

}  // namespace berth::vision
