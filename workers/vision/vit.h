// SPDX-License-Identifier: Apache-2.0
// Vision transformers (Dosovitskiy et al., "An Image is Worth 16x16 Words", arXiv 2010.11929).
// Names and initialisation are torchvision's. The position embedding is that of 224 x 224 pictures,
// so that weights can be exchanged; for other sizes it is resampled (bicubic), as is usual for
// fine-tuning at another resolution (section 3.2 of the paper). A rest at the right and at the
// bottom that fills no patch is left out.
#pragma once

#include <memory>

#include "vision/classifier.h"
#include "vision/model_options.h"

namespace berth::vision {

struct VitShape {
  int64_t patch;  ///< pixels
  int64_t layers, heads, width, mlp_width;
};

std::shared_ptr<Classifier> make_vit(const VitShape& shape, const ModelOptions& options);

}  // namespace berth::vision
