// SPDX-License-Identifier: Apache-2.0
// ColorJitter with brightness 0.5..1.5; contrast, saturation and hue are left as they are, so what
// remains is every value times one factor.
#include <array>

#include "prepare/augmentation.h"
#include "prepare/convolve.h"

namespace berth::prepare {

image::Bitmap color_jitter(const image::Bitmap& picture, dataset::Random* random) {
  const auto factor = static_cast<float>(random->uniform(0.5, 1.5));
  std::array<uint8_t, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = to_byte(factor * static_cast<float>(i));
  image::Bitmap result = picture;
  for (uint8_t& value : result.pixels) value = table[value];
  return result;
}

}  // namespace berth::prepare
