// SPDX-License-Identifier: Apache-2.0
// A picture filtered with a small kernel.
#pragma once

#include <vector>

#include "image/bitmap.h"

namespace berth::prepare {

/// A square of odd side, row by row: values[y * side + x].
struct Kernel {
  int side = 1;
  std::vector<float> values;
};

/// out(x, y) = sum of kernel(i, j) * in(x + i - side / 2, y + j - side / 2) per channel: a
/// correlation, the kernel is not turned. Beyond its edge the picture is mirrored without repeating
/// the edge (gfedcb|abcdefgh|gfedcba). Rounded to the nearest value, clipped to 0..255.
image::Bitmap convolve(const image::Bitmap& picture, const Kernel& kernel);

/// Where the position i (may lie outside) of a row of n pixels is found after mirroring.
int mirrored(int i, int n);

/// `value` to the nearest of 0..255.
uint8_t to_byte(float value);

}  // namespace berth::prepare
