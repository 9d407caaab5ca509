// SPDX-License-Identifier: Apache-2.0
// CIE L*a*b* with 8 bits per value, as OpenCV documents COLOR_RGB2Lab for 8-bit pictures: sRGB,
// white point D65, L * 255 / 100, a + 128, b + 128.
#pragma once

#include <cstdint>
#include <vector>

#include "image/bitmap.h"

namespace berth::prepare {

struct Lab {
  int width = 0, height = 0;
  std::vector<uint8_t> l, a, b;  ///< rows from top to bottom
};

Lab to_lab(const image::Bitmap& picture);
image::Bitmap to_rgb(const Lab& lab);

}  // namespace berth::prepare
