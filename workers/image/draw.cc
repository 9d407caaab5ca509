// SPDX-License-Identifier: Apache-2.0
#include "image/draw.h"

#include <algorithm>
#include <cmath>

namespace berth::image {
namespace {

void blend(Bitmap* picture, int x, int y, Colour colour, double share) {
  if (x < 0 || y < 0 || x >= picture->width || y >= picture->height || share <= 0) return;
  uint8_t* pixel =
      picture->pixels.data() +
      3 * (static_cast<size_t>(y) * static_cast<size_t>(picture->width) + static_cast<size_t>(x));
  const uint8_t parts[3] = {colour.red, colour.green, colour.blue};
  for (int i = 0; i < 3; ++i) {
    pixel[i] = static_cast<uint8_t>(std::lround(pixel[i] + (parts[i] - pixel[i]) * share));
  }
}

}  // namespace

void fill(Bitmap* picture, int x, int y, int width, int height, Colour colour) {
  const int right = std::min(picture->width, x + width);
  const int bottom = std::min(picture->height, y + height);
  for (int row = std::max(0, y); row < bottom; ++row) {
    for (int column = std::max(0, x); column < right; ++column)
      blend(picture, column, row, colour, 1);
  }
}

void outline(Bitmap* picture, int x, int y, int width, int height, int thickness, Colour colour) {
  fill(picture, x, y, width, thickness, colour);
  fill(picture, x, y + height - thickness, width, thickness, colour);
  fill(picture, x, y, thickness, height, colour);
  fill(picture, x + width - thickness, y, thickness, height, colour);
}

void line(Bitmap* picture, double x0, double y0, double x1, double y1, double thickness,
          Colour colour) {
  const double half = thickness / 2, dx = x1 - x0, dy = y1 - y0;
  const double length = dx * dx + dy * dy;
  const auto low = [&](double a, double b) {
    return static_cast<int>(std::floor(std::min(a, b) - half - 1));
  };
  const auto high = [&](double a, double b) {
    return static_cast<int>(std::ceil(std::max(a, b) + half + 1));
  };
  for (int y = std::max(0, low(y0, y1)); y <= std::min(picture->height - 1, high(y0, y1)); ++y) {
    for (int x = std::max(0, low(x0, x1)); x <= std::min(picture->width - 1, high(x0, x1)); ++x) {
      // The nearest point of the line; a pixel counts as covered within half a pixel.
      double t = length > 0 ? ((x - x0) * dx + (y - y0) * dy) / length : 0;
      t = std::clamp(t, 0.0, 1.0);
      const double distance = std::hypot(x - (x0 + t * dx), y - (y0 + t * dy));
      blend(picture, x, y, colour, std::clamp(half + 0.5 - distance, 0.0, 1.0));
    }
  }
}

}  // namespace berth::image
