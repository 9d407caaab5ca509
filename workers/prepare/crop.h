// SPDX-License-Identifier: Apache-2.0
// Cutting the same rectangle out of pictures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "image/bitmap.h"
#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::prepare {

/// Pixels x <= column < x + width and y <= row < y + height.
struct Rectangle {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// What of the rectangle lies in the picture, as slicing an array gives it. Error: kBadImage when
/// nothing does.
protocol::Result<image::Bitmap> cut(const image::Bitmap& picture, const Rectangle& rectangle);

struct CropSpec {
  std::string input_path;   ///< a picture, or a folder of pictures at any depth
  std::string output_path;  ///< folder, made if needed; the input's structure is kept
  Rectangle rectangle;
  std::optional<int64_t> threads;
};

/// Errors: kIoError, kBadRequest (names the field).
protocol::Result<CropSpec> read_crop_spec(const std::string& path);

/// Pictures are written as 8-bit RGB in the format of their extension; those of that name are
/// replaced, each at once. The result event has total_images (success + failed), success, failed,
/// failed_files, skipped_files, output_path, seconds.
/// Errors: kBadRequest (output_path lies in input_path; no picture), kBadImage (all fail),
/// kNoSpace, kIoError.
protocol::Status crop(const CropSpec& spec, protocol::EventWriter* events);

}  // namespace berth::prepare
