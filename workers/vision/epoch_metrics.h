// SPDX-License-Identifier: Apache-2.0
// What is told of an epoch.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>

#include "vision/metrics.h"

namespace berth::vision {

/// What one pass over the training set gave.
struct EpochOutcome {
  double loss = 0;
  double accuracy = 0;  ///< %
  double seconds = 0;
  double learning_rate = 0;  ///< of the last step
  int64_t pictures = 0;
};

/// The originals' TrainingMetrics: exactly these keys. `best_accuracy` in %, this epoch included.
boost::json::object training_metrics(int64_t epoch, int64_t total_epochs,
                                     const EpochOutcome& trained, const ClassificationMetrics& val,
                                     double best_accuracy);

}  // namespace berth::vision
