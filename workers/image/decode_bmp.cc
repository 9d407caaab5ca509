// SPDX-License-Identifier: Apache-2.0
#include <climits>
#include <cstdlib>
#include <memory>

#include "image/decode.h"

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wtype-limits"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace berth::image {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

namespace {

/// The little-endian number of `bytes` bytes at `at`; 0 beyond the end.
uint32_t number_at(const uint8_t* file, size_t size, size_t at, size_t bytes) {
  uint32_t number = 0;
  for (size_t i = 0; i < bytes && at + i < size; ++i)
    number |= static_cast<uint32_t>(file[at + i]) << (8 * i);
  return number;
}

/// stb_image fills what a cut file lacks with zeros, for as long as a picture of the size that its
/// header claims takes. Rows are whole 32-bit words; the oldest header, of 12 bytes, knows no
/// compression.
protocol::Status check_whole(const uint8_t* file, size_t size, int width, int height) {
  constexpr uint32_t kOldHeader = 12, kPlain = 0, kBitMasks = 3;
  const uint32_t pixels_at = number_at(file, size, 10, 4);
  const bool old = number_at(file, size, 14, 4) == kOldHeader;
  const uint32_t depth = number_at(file, size, old ? 24 : 28, 2);
  const uint32_t compression = old ? kPlain : number_at(file, size, 30, 4);
  if (compression != kPlain && compression != kBitMasks)
    return failed(ErrorCode::kBadImage, "BMP: compressed pixels are not supported");
  const uint64_t row = (static_cast<uint64_t>(width) * depth + 31) / 32 * 4;
  if (pixels_at + row * static_cast<uint64_t>(height) > size)
    return failed(ErrorCode::kBadImage, "BMP: the file is cut short");
  return {};
}

}  // namespace

Result<Bitmap> decode_bmp(const uint8_t* bytes, size_t size) {
  if (size > INT_MAX) return failed(ErrorCode::kBadImage, "BMP: the file is too large");
  const int length = static_cast<int>(size);
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_memory(bytes, length, &width, &height, &channels) == 0) {
    return failed(ErrorCode::kBadImage, std::string("BMP: ") + stbi_failure_reason());
  }
  if (auto fits = check_dimensions(width, height); !fits) return forward_error(fits);
  if (auto whole = check_whole(bytes, size, width, height); !whole) return forward_error(whole);
  const std::unique_ptr<stbi_uc, decltype(&std::free)> decoded(
      stbi_load_from_memory(bytes, length, &width, &height, &channels, 3), &std::free);
  if (!decoded) {
    return failed(ErrorCode::kBadImage, std::string("BMP: ") + stbi_failure_reason());
  }
  Bitmap picture;
  picture.width = width;
  picture.height = height;
  const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height) * 3;
  picture.pixels.assign(decoded.get(), decoded.get() + count);
  return picture;
}

}  // namespace berth::image
