// SPDX-License-Identifier: Apache-2.0
// Bilinear resizing with antialias (a triangle filter as wide as one output pixel when shrinking),
// as PIL and torchvision's Resize do it: columns first, 8-bit in between, fixed-point weights. Only
// integers touch the pixels, so the result is the same on every machine.
#pragma once

#include <cstdint>

#include "image/bitmap.h"

namespace berth::image {

/// Writes `width` x `height` RGB pixels to `out` (width * height * 3 bytes). The aspect ratio is
/// not kept. `picture` must hold at least one pixel.
void resize(const Bitmap& picture, int width, int height, uint8_t* out);

}  // namespace berth::image
