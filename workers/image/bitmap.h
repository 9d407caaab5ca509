// SPDX-License-Identifier: Apache-2.0
// A picture in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace berth::image {

/// 8-bit RGB, rows from top to bottom without padding: pixels[(y * width + x) * 3 + channel].
struct Bitmap {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;
};

}  // namespace berth::image
