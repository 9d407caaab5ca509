// SPDX-License-Identifier: Apache-2.0
// The BMP file format as Microsoft documents it: BITMAPFILEHEADER, BITMAPINFOHEADER, then rows of
// blue, green, red, each filled up to a multiple of four bytes.
#include <cstdint>

#include "image/encode.h"

namespace berth::image {
namespace {

constexpr uint64_t kHeaders = 14 + 40;
constexpr uint32_t kPixelsPerMetre = 2835;  // 72 dpi

void append(std::string* to, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to->push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

protocol::Result<std::string> encode_bmp(const Bitmap& picture) {
  const uint64_t row = (static_cast<uint64_t>(picture.width) * 3 + 3) / 4 * 4;
  const uint64_t size = row * static_cast<uint64_t>(picture.height);
  if (size > UINT32_MAX - kHeaders) {
    return protocol::failed(protocol::ErrorCode::kBadImage,
                            "the picture is too big for a BMP: use .png or .jpg");
  }
  std::string file = "BM";
  file.reserve(kHeaders + size);
  append(&file, static_cast<uint32_t>(kHeaders + size), 4);
  append(&file, 0, 4);
  append(&file, kHeaders, 4);
  append(&file, 40, 4);
  append(&file, static_cast<uint32_t>(picture.width), 4);
  append(&file, static_cast<uint32_t>(picture.height), 4);
  append(&file, 1, 2);   // planes
  append(&file, 24, 2);  // bits per pixel
  append(&file, 0, 4);   // not compressed
  append(&file, static_cast<uint32_t>(size), 4);
  append(&file, kPixelsPerMetre, 4);
  append(&file, kPixelsPerMetre, 4);
  append(&file, 0, 4);
  append(&file, 0, 4);
  const size_t width = static_cast<size_t>(picture.width);
  for (size_t y = static_cast<size_t>(picture.height); y-- > 0;) {
    const uint8_t* pixel = &picture.pixels[y * width * 3];
    for (size_t x = 0; x < width; ++x, pixel += 3) {
      for (const int channel : {2, 1, 0}) file.push_back(static_cast<char>(pixel[channel]));
    }
    file.append(row - width * 3, '\0');
  }
  return file;
}

}  // namespace berth::image
