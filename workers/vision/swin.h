// SPDX-License-Identifier: Apache-2.0
// Swin transformers, version 2 (Liu et al., arXiv 2103.14030 and 2111.09883): attention within
// windows that are shifted in every other block, cosine similarity, a position bias computed from
// logarithmic distances. Names and initialisation are torchvision's.
#pragma once

#include <array>
#include <memory>

#include "vision/classifier.h"
#include "vision/model_options.h"

namespace berth::vision {

struct SwinShape {
  int64_t width;              ///< of the first stage; each later one has twice as much
  std::array<int, 4> depths;  ///< blocks per stage
  std::array<int, 4> heads;   ///< of a block's attention, per stage
  double stochastic_depth;    ///< of the last block; growing up to there
};

std::shared_ptr<Classifier> make_swin_v2(const SwinShape& shape, const ModelOptions& options);

}  // namespace berth::vision
