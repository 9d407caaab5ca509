// SPDX-License-Identifier: Apache-2.0
#include "prepare/sharpen.h"

#include "prepare/augmentation.h"

namespace berth::prepare {

Kernel sharpen_kernel(double alpha, double lightness) {
  Kernel kernel{3, std::vector<float>(9, static_cast<float>(-alpha))};
  kernel.values[4] = static_cast<float>(1 - alpha + alpha * (8 + lightness));
  return kernel;
}

image::Bitmap sharpen(const image::Bitmap& picture, dataset::Random* random) {
  const double alpha = random->uniform(0.2, 0.5);
  return convolve(picture, sharpen_kernel(alpha, random->uniform(0.5, 1)));
}

}  // namespace berth::prepare
