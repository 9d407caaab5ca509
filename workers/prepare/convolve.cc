// SPDX-License-Identifier: Apache-2.0
#include "prepare/convolve.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace berth::prepare {
namespace {

/// Row y of the picture as floats, with `radius` mirrored pixels on both sides.
void fill_row(const image::Bitmap& picture, int y, int radius, std::vector<float>* row) {
  const uint8_t* pixels =
      &picture.pixels[static_cast<size_t>(y) * static_cast<size_t>(picture.width) * 3];
  float* out = row->data();
  for (int x = -radius; x < picture.width + radius; ++x) {
    const uint8_t* pixel = pixels + static_cast<ptrdiff_t>(mirrored(x, picture.width)) * 3;
    for (int channel = 0; channel < 3; ++channel) *out++ = pixel[channel];
  }
}

}  // namespace

int mirrored(int i, int n) {
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  i = std::abs(i) % period;
  return i < n ? i : period - i;
}

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::lrintf(std::clamp(value, 0.0f, 255.0f)));
}

image::Bitmap convolve(const image::Bitmap& picture, const Kernel& kernel) {
  const int radius = kernel.side / 2;
  const auto values = static_cast<size_t>(picture.width) * 3;
  const auto side = static_cast<size_t>(kernel.side);
  // Only as many rows as the kernel covers are kept as floats, in a ring.
  std::vector<std::vector<float>> rows(
      side, std::vector<float>(values + static_cast<size_t>(radius) * 6));
  std::vector<float> sums(values);
  image::Bitmap result = picture;
  const auto slot = [&](int y) -> std::vector<float>& {
    return rows[static_cast<size_t>(y + radius) % side];
  };
  for (int y = -radius; y < radius; ++y)
    fill_row(picture, mirrored(y, picture.height), radius, &slot(y));
  for (int y = 0; y < picture.height; ++y) {
    fill_row(picture, mirrored(y + radius, picture.height), radius, &slot(y + radius));
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (int j = 0; j < kernel.side; ++j) {
      const std::vector<float>& row = slot(y + j - radius);
      for (int i = 0; i < kernel.side; ++i) {
        const float factor = kernel.values[static_cast<size_t>(j * kernel.side + i)];
        const float* in = row.data() + static_cast<ptrdiff_t>(i) * 3;
        for (size_t n = 0; n < values; ++n) sums[n] += factor * in[n];
      }
    }
    uint8_t* out = &result.pixels[static_cast<size_t>(y) * values];
    for (size_t n = 0; n < values; ++n) out[n] = to_byte(sums[n]);
  }
  return result;
}

}  // namespace berth::prepare
