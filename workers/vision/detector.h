// SPDX-License-Identifier: Apache-2.0
// The first of two stages: what finds the places in a picture that are then classified.
#pragma once

#include <string>
#include <vector>

#include "image/bitmap.h"
#include "protocol/result.h"

namespace berth::vision {

/// In pixels from the upper left corner of the picture.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  std::string label;  ///< the detector's own class; may be empty
  double score = 1;   ///< how sure the detector is, 0..1
};

class Detector {
 public:
  Detector() = default;
  virtual ~Detector() = default;
  Detector(const Detector&) = delete;
  Detector& operator=(const Detector&) = delete;

  /// `name`: of the picture, as PictureSource has it. Any thread may ask.
  virtual protocol::Result<std::vector<Box>> detect(const std::string& name,
                                                    const image::Bitmap& picture) const = 0;
};

}  // namespace berth::vision
