// SPDX-License-Identifier: Apache-2.0
// GaussNoise: to each value its own normal deviate of mean 0 and one variance, 100..500, for the
// whole picture.
#include <cmath>

#include "prepare/augmentation.h"
#include "prepare/convolve.h"
#include "prepare/noise.h"

namespace berth::prepare {

image::Bitmap gauss_noise(const image::Bitmap& picture, double variance, dataset::Random* random) {
  const auto deviation = static_cast<float>(std::sqrt(variance));
  image::Bitmap result = picture;
  for (size_t i = 0; i < result.pixels.size(); i += 2) {
    float noise[2];
    random->gaussian_pair(&noise[0], &noise[1]);
    for (size_t k = 0; k < 2 && i + k < result.pixels.size(); ++k) {
      uint8_t& value = result.pixels[i + k];
      value = to_byte(static_cast<float>(value) + deviation * noise[k]);
    }
  }
  return result;
}

image::Bitmap gauss_noise(const image::Bitmap& picture, dataset::Random* random) {
  return gauss_noise(picture, random->uniform(100, 500), random);
}

}  // namespace berth::prepare
