// SPDX-License-Identifier: Apache-2.0
// Drawing on pictures: boxes, lines, text. What lies outside the picture is cut off.
#pragma once

#include <cstdint>
#include <string>

#include "image/bitmap.h"

namespace berth::image {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;
};

/// The pixels [x, x + width) x [y, y + height).
void fill(Bitmap* picture, int x, int y, int width, int height, Colour colour);
/// The border of such a box, `thickness` pixels inwards.
void outline(Bitmap* picture, int x, int y, int width, int height, int thickness, Colour colour);
/// From the middle of one pixel to that of another, smoothed.
void line(Bitmap* picture, double x0, double y0, double x1, double y1, double thickness,
          Colour colour);

/// A line of UTF-8 text with its upper left corner at (x, y); `size` is the height of a line in
/// pixels. In the first font of this machine that has all of its characters, else in a plain one of
/// ASCII that is built in. Returns the width.
int draw_text(Bitmap* picture, int x, int y, int size, const std::string& text, Colour colour);
/// The width that draw_text would take, in pixels.
int text_width(int size, const std::string& text);

}  // namespace berth::image
