// SPDX-License-Identifier: Apache-2.0
// Pictures of unknown origin: whatever the bytes are, a picture of the size it says or an error.
#include <cstdlib>

#include "image/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  for (const int target : {0, 64}) {
    const auto picture = berth::image::decode(bytes, size, target);
    if (!picture) continue;
    const auto pixels =
        static_cast<size_t>(picture->width) * static_cast<size_t>(picture->height) * 3;
    if (picture->width < 1 || picture->height < 1 || picture->pixels.size() != pixels) std::abort();
  }
  return 0;
}
