// SPDX-License-Identifier: Apache-2.0
// Residual networks (He et al., "Deep Residual Learning", arXiv 1512.03385) in the variant known as
// v1.5: the stride of a bottleneck sits on its 3x3 convolution. Names and initialisation are
// torchvision's: Kaiming normal (fan out) for convolutions, 1 and 0 for batch normalisation.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "vision/classifier.h"
#include "vision/model_options.h"

namespace berth::vision {

enum class ResnetBlock { kBasic, kBottleneck };

struct ResnetShape {
  ResnetBlock block;
  std::array<int, 4> depths;  ///< blocks per stage
};

std::shared_ptr<Classifier> make_resnet(const ResnetShape& shape, const ModelOptions& options);

}  // namespace berth::vision
