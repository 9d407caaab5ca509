// SPDX-License-Identifier: Apache-2.0
#include "image/decode.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <new>

#include "protocol/output_file.h"

namespace berth::image {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

constexpr uint64_t kMostFileBytes = uint64_t{1} << 30;

bool begins_with(const uint8_t* bytes, size_t size, const char* magic, size_t length) {
  return size >= length && std::memcmp(bytes, magic, length) == 0;
}

Result<Bitmap> decode_by_content(const uint8_t* bytes, size_t size, int target) {
  if (begins_with(bytes, size, "\xFF\xD8\xFF", 3)) return decode_jpeg(bytes, size, target);
  if (begins_with(bytes, size, "\x89PNG\r\n\x1A\n", 8)) return decode_png(bytes, size);
  if (begins_with(bytes, size, "BM", 2)) return decode_bmp(bytes, size);
  if (size == 0) return failed(ErrorCode::kBadImage, "the file is empty");
  return failed(ErrorCode::kBadImage, "the content is neither JPEG nor PNG nor BMP");
}

}  // namespace

protocol::Status check_dimensions(int64_t width, int64_t height) {
  if (width < 1 || height < 1 || width > kMostPixels || width * height > kMostPixels) {
    return failed(ErrorCode::kBadImage, "the picture claims " + std::to_string(width) + " x " +
                                            std::to_string(height) + " pixels; 1 to " +
                                            std::to_string(kMostPixels) + " are supported");
  }
  return {};
}

Result<Bitmap> decode(const uint8_t* bytes, size_t size, int target) {
  try {
    return decode_by_content(bytes, size, target);
  } catch (const std::bad_alloc&) {
    return failed(ErrorCode::kOutOfMemory, "not enough memory to decode the picture");
  }
}

Result<Bitmap> decode_file(const std::string& path, int target) {
  auto bytes = protocol::read_file(path, kMostFileBytes);
  if (!bytes) return forward_error(bytes);
  auto picture = decode(reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size(), target);
  if (!picture) {
    picture.error().message = "cannot decode " + path + ": " + picture.error().message;
    picture.error().file = path;
  }
  return picture;
}

bool has_image_extension(const std::string& path) {
  const size_t dot = path.find_last_of("./");
  if (dot == std::string::npos || path[dot] != '.') return false;
  std::string extension = path.substr(dot + 1);
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == "jpg" || extension == "jpeg" || extension == "png" || extension == "bmp";
}

}  // namespace berth::image
