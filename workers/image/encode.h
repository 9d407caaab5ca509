// SPDX-License-Identifier: Apache-2.0
// Pictures to bytes.
#pragma once

#include <string>

#include "image/bitmap.h"
#include "protocol/result.h"

namespace berth::image {

/// A baseline JPEG without chroma subsampling; `quality` 1..100. Error: kInternal.
protocol::Result<std::string> encode_jpeg(const Bitmap& picture, int quality);

/// An 8-bit RGB PNG. Error: kInternal.
protocol::Result<std::string> encode_png(const Bitmap& picture);

/// A 24-bit BMP, rows from bottom to top. Error: kBadImage (more than the format's 4 GiB).
protocol::Result<std::string> encode_bmp(const Bitmap& picture);

/// In the format that the name's extension stands for (decode.h, has_image_extension): JPEG of
/// quality 95, PNG or BMP. Error: kInternal, kBadImage (another extension).
protocol::Result<std::string> encode_for(const std::string& path, const Bitmap& picture);

}  // namespace berth::image
