// SPDX-License-Identifier: Apache-2.0
// The two data sets of a training task, checked against each other and the request.
#pragma once

#include "image/image_folder.h"
#include "protocol/result.h"

namespace berth::vision {

struct TrainingData {
  image::ImageFolder train, val;
};

/// Lists both folders. Errors: those of list_image_folder; kBadRequest if the number of class
/// folders is not `num_classes` or the validation classes are not the training classes.
protocol::Result<TrainingData> list_training_data(const std::string& train_path,
                                                  const std::string& val_path, int64_t num_classes);

}  // namespace berth::vision
