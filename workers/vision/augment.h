// SPDX-License-Identifier: Apache-2.0
// Changes pictures at random while they are trained on.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "vision/training_options.h"

namespace berth::vision {

/// `pictures`: N x 3 x S x S in 0..1, which the result may share memory with. What is drawn depends
/// on the generator (of the CPU) alone, not on the device. Throws what torch throws.
at::Tensor augment(at::Tensor pictures, const AugmentOptions& options, at::Generator generator);

}  // namespace berth::vision
