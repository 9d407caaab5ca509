// SPDX-License-Identifier: Apache-2.0
#include <climits>
#include <cstdlib>
#include <cstring>
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

Result<Bitmap> decode_bmp(const uint8_t* bytes, size_t size) {
  if (size > INT_MAX) return failed(ErrorCode::kBadImage, "BMP: the file is too large");
  const int length = static_cast<int>(size);
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_memory(bytes, length, &width, &height, &channels) == 0) {
    return failed(ErrorCode::kBadImage, std::string("BMP: ") + stbi_failure_reason());
  }
  if (auto fits = check_dimensions(width, height); !fits) return forward_error(fits);
  // stb_image fills what a cut file lacks with zeros; compare with the header's own figure instead.
  uint32_t pixels_at = 0;
  if (size >= 14) std::memcpy(&pixels_at, bytes + 10, 4);
  uint16_t depth = 0;
  if (size >= 30) std::memcpy(&depth, bytes + 28, 2);
  uint32_t compression = 0;
  if (size >= 34) std::memcpy(&compression, bytes + 30, 4);
  const uint64_t row = (static_cast<uint64_t>(width) * depth + 31) / 32 * 4;
  if (compression == 0 && pixels_at + row * static_cast<uint64_t>(height) > size) {
    return failed(ErrorCode::kBadImage, "BMP: the file is cut short");
  }
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
