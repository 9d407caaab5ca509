// SPDX-License-Identifier: Apache-2.0
// Pictures from bytes. The format is told by the content, not by the file's name. Everything
// becomes 8-bit RGB as in PIL's convert("RGB"): grey is repeated, palettes are looked up, alpha is
// dropped, 16-bit samples are scaled, CMYK is multiplied out. EXIF orientation is not applied (PIL
// does not either). The same bytes give the same pixels on every machine and thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "image/bitmap.h"
#include "protocol/result.h"

namespace berth::image {

/// More pixels than this are refused rather than decoded (a small file can claim to be huge).
constexpr int64_t kMostPixels = 200'000'000;

/// `target`: the side in pixels of the square that the caller will resize to, 0 = full size. A JPEG
/// whose sides are both at least twice as long as some 1/2, 1/4 or 1/8 still being >= 2 * target is
/// decoded at that scale, which is faster and loses nothing that the resize would keep.
/// Errors: kBadImage (unknown format, damaged or cut short; no file name in it), kOutOfMemory.
protocol::Result<Bitmap> decode(const uint8_t* bytes, size_t size, int target);

/// Reads and decodes a file; errors carry its path.
protocol::Result<Bitmap> decode_file(const std::string& path, int target);

/// Whether the name ends in .jpg, .jpeg, .png or .bmp, in any case.
bool has_image_extension(const std::string& path);

// One function per format, used by decode().
protocol::Result<Bitmap> decode_jpeg(const uint8_t* bytes, size_t size, int target);
protocol::Result<Bitmap> decode_png(const uint8_t* bytes, size_t size);
protocol::Result<Bitmap> decode_bmp(const uint8_t* bytes, size_t size);

/// kBadImage unless 1 <= width, height and width * height <= kMostPixels.
protocol::Status check_dimensions(int64_t width, int64_t height);

}  // namespace berth::image
