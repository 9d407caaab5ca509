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

}  // namespace berth::image
