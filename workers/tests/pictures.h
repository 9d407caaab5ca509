// SPDX-License-Identifier: Apache-2.0
// Pictures for tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "image/bitmap.h"
#include "image/encode.h"
#include "temporary_folder.h"

namespace berth::tests {

inline image::Bitmap plain(int width, int height, uint8_t r, uint8_t g, uint8_t b) {
  image::Bitmap picture;
  picture.width = width;
  picture.height = height;
  for (int i = 0; i < width * height; ++i) {
    for (const uint8_t value : {r, g, b}) picture.pixels.push_back(value);
  }
  return picture;
}

/// Every pixel differs: (x * 7 + y * 3, x + y * 5, x * y) modulo 256.
inline image::Bitmap patterned(int width, int height) {
  image::Bitmap picture;
  picture.width = width;
  picture.height = height;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      picture.pixels.push_back(static_cast<uint8_t>(x * 7 + y * 3));
      picture.pixels.push_back(static_cast<uint8_t>(x + y * 5));
      picture.pixels.push_back(static_cast<uint8_t>(x * y));
    }
  }
  return picture;
}

inline std::string png(const image::Bitmap& picture) { return image::encode_png(picture).value(); }
inline std::string jpeg(const image::Bitmap& picture) {
  return image::encode_jpeg(picture, 95).value();
}

/// A 24-bit BMP, rows from bottom to top.
inline std::string bmp(const image::Bitmap& picture) {
  const auto number = [](uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
    return text;
  };
  const int row = (picture.width * 3 + 3) / 4 * 4;
  const auto size = static_cast<uint32_t>(row * picture.height);
  std::string file = "BM" + number(54 + size, 4) + number(0, 4) + number(54, 4) + number(40, 4) +
                     number(static_cast<uint32_t>(picture.width), 4) +
                     number(static_cast<uint32_t>(picture.height), 4) + number(1, 2) +
                     number(24, 2) + number(0, 4) + number(size, 4) + number(2835, 4) +
                     number(2835, 4) + number(0, 4) + number(0, 4);
  for (int y = picture.height - 1; y >= 0; --y) {
    std::string line;
    for (int x = 0; x < picture.width; ++x) {
      const uint8_t* pixel = &picture.pixels[static_cast<size_t>((y * picture.width + x) * 3)];
      line.push_back(static_cast<char>(pixel[2]));
      line.push_back(static_cast<char>(pixel[1]));
      line.push_back(static_cast<char>(pixel[0]));
    }
    line.resize(static_cast<size_t>(row), '\0');
    file += line;
  }
  return file;
}

/// A data set that any classifier can learn: "cold" is bluish, "warm" reddish, with some variation.
/// `root`/train and `root`/val.
inline void write_easy_set(const TemporaryFolder& folder, int train_each, int val_each) {
  for (const auto& [split, count] : {std::pair<const char*, int>{"train", train_each},
                                     std::pair<const char*, int>{"val", val_each}}) {
    for (int i = 0; i < count; ++i) {
      const auto shade = static_cast<uint8_t>(20 + (i * 13) % 60);
      const std::string name = "/" + std::to_string(i) + ".png";
      folder.write(split + std::string("/cold") + name, png(plain(36, 36, shade, shade, 220)));
      folder.write(split + std::string("/warm") + name, png(plain(36, 36, 220, shade, shade)));
    }
  }
}

}  // namespace berth::tests
