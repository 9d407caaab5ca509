// SPDX-License-Identifier: Apache-2.0
// What a training task is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/result.h"
#include "vision/training_options.h"

namespace berth::vision {

/// How classes of different sizes are weighed against each other.
enum class ClassBalance {
  kNone,      ///< every picture counts the same
  kBalanced,  ///< every class counts the same: pictures / (classes * pictures of the class)
  kGiven      ///< LearnerOptions::class_weights
};

/// In which form weights are written.
enum class WeightFormat { kSafetensors, kTorch, kBoth };

struct TrainSpec {
  std::string model;
  int64_t num_classes = 0;
  std::string train_path, val_path;  ///< ImageFolder layout
  std::string save_path;             ///< folder, made if needed
  int64_t batch_size = 8;            ///< pictures in all processes' models at a time; 0: as fit
  int64_t accumulate_steps = 1;      ///< so many times batch_size make an update
  int64_t num_epochs = 100;
  int64_t image_size = 224;  ///< side in pixels
  std::string weight_path;   ///< weights to start from; empty: none
  bool pretrained = false;
  bool shuffle = true;
  std::optional<int64_t> threads;  ///< absent: see runtime::thread_count
  std::string device;              ///< empty: the best there is
  int64_t processes = 1;           ///< that train together: one per GPU, or so many on the CPU

  LearnerOptions learner;  ///< its precision counts unless `mixed_precision`
  ScheduleOptions schedule;
  bool mixed_precision = false;  ///< the smaller type that suits the device
  bool deterministic = false;    ///< the same weights on a GPU, too; slower there
  ClassBalance class_balance = ClassBalance::kNone;
  int64_t early_stop = 0;        ///< ends after so many epochs without a better one; 0: never
  std::optional<bool> resume;    ///< absent: goes on with what an earlier attempt of this task left
  int64_t save_every = 0;        ///< weights of every so many epochs under their own name; 0: none
  int64_t keep_checkpoints = 0;  ///< of those only the newest; 0: all
  WeightFormat weight_format = WeightFormat::kSafetensors;
};

/// Reads and checks a specification. Errors: kIoError, kBadRequest (names the field).
protocol::Result<TrainSpec> read_train_spec(const std::string& path);

}  // namespace berth::vision
