// SPDX-License-Identifier: Apache-2.0
#include "prepare/advanced_blur.h"

#include <cmath>

#include "prepare/augmentation.h"

namespace berth::prepare {

Kernel blur_kernel(const BlurShape& shape, dataset::Random* random) {
  const double c = std::cos(shape.angle), s = std::sin(shape.angle);
  // The inverse of R D R' is R D^-1 R'.
  const double x = 1 / (shape.sigma_x * shape.sigma_x), y = 1 / (shape.sigma_y * shape.sigma_y);
  const double xx = c * c * x + s * s * y, xy = c * s * (x - y), yy = s * s * x + c * c * y;
  Kernel kernel;
  kernel.side = shape.side;
  std::vector<double> values;
  double sum = 0;
  const int radius = shape.side / 2;
  for (int v = -radius; v <= radius; ++v) {
    for (int u = -radius; u <= radius; ++u) {
      const double distance = xx * u * u + 2 * xy * u * v + yy * v * v;
      values.push_back(std::exp(-0.5 * std::pow(distance, shape.beta)) *
                       random->uniform(shape.least_noise, shape.most_noise));
      sum += values.back();
    }
  }
  for (const double value : values) kernel.values.push_back(static_cast<float>(value / sum));
  return kernel;
}

image::Bitmap advanced_blur(const image::Bitmap& picture, dataset::Random* random) {
  BlurShape shape;
  shape.side = 7 + 2 * random->integer(0, 3);
  shape.sigma_x = random->uniform(7, 13);
  shape.sigma_y = random->uniform(7, 13);
  shape.angle = random->uniform(-M_PI / 2, M_PI / 2);
  // Peaked and flat kernels equally often, though the range above 1 is much wider.
  shape.beta = random->uniform() < 0.5 ? random->uniform(0.5, 1) : random->uniform(1, 8);
  shape.least_noise = 2;
  shape.most_noise = 10;
  return convolve(picture, blur_kernel(shape, random));
}

}  // namespace berth::prepare
