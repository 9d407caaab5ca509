// SPDX-License-Identifier: Apache-2.0
// Pictures with the predicted class written on them.
#pragma once

#include <string>
#include <vector>

#include "protocol/result.h"
#include "vision/detector.h"
#include "vision/picture_source.h"

namespace berth::vision {

struct Label {
  size_t index = 0;        ///< of the source's picture
  std::string text;        ///< "chirp 98.40%"; may be empty
  std::vector<Box> boxes;  ///< drawn with their labels
};

/// The file below the folder that write_annotated() makes of the source's picture.
std::string annotated_name(const PictureSource& source, size_t index);

/// Writes `<folder>/<name>` (and `.jpg` behind other names) for each, in red at the upper left, as
/// RFUAV does (45 px on a large picture, less on a small one). Folders are made. Errors: kNoSpace,
/// kIoError; those of PictureSource::picture.
protocol::Status write_annotated(const PictureSource& source, const std::vector<Label>& labels,
                                 const std::string& folder, int threads);

}  // namespace berth::vision
