// SPDX-License-Identifier: Apache-2.0
// MobileNetV3 (Howard et al., "Searching for MobileNetV3", arXiv 1905.02244, tables 1 and 2). Names
// and initialisation are torchvision's.
#pragma once

#include <memory>

#include "vision/classifier.h"
#include "vision/model_options.h"

namespace berth::vision {

enum class MobilenetSize { kSmall, kLarge };

std::shared_ptr<Classifier> make_mobilenet_v3(MobilenetSize size, const ModelOptions& options);

}  // namespace berth::vision
