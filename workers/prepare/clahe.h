// SPDX-License-Identifier: Apache-2.0
// Contrast limited adaptive histogram equalisation: Zuiderveld, Graphics Gems IV (1994), with the
// details (padding, redistribution, rounding) of OpenCV's CLAHE class.
#pragma once

#include <cstdint>
#include <vector>

#include "image/bitmap.h"

namespace berth::prepare {

/// Equalises 8-bit values, rows from top to bottom, in place. The plane is cut into tiles x tiles
/// parts, mirrored beyond its right and lower edge where they do not divide it. A histogram bin
/// keeps at most clip_limit times the mean bin (at least 1); what is cut off is spread over all
/// bins. Each value is mapped by the four nearest tiles, weighted by distance.
void equalize(std::vector<uint8_t>* plane, int width, int height, double clip_limit, int tiles);

/// The same for the lightness (L of L*a*b*) of a picture, with 13 x 13 tiles.
image::Bitmap clahe(const image::Bitmap& picture, double clip_limit);

}  // namespace berth::prepare
