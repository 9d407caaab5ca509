// SPDX-License-Identifier: Apache-2.0
// A detector that has done its work before: boxes from files.
#pragma once

#include <memory>
#include <string>

#include "vision/detector.h"

namespace berth::vision {

/// `path` is one of
///   - a JSON file with "predictions": [{path, box: [x, y, width, height], class, confidence}], as
///     inference writes it with a detector (pixels; class and confidence may be missing);
///   - a COCO file: images [{id, file_name}], annotations [{image_id, bbox, category_id, score}],
///     categories [{id, name}] (cocodataset.org, "Data format");
///   - a folder with a <stem>.txt per picture, a line "class x y width height [score]" per box: the
///     centre and the size as shares of the picture, as the YOLO family's tools write them.
/// A picture is found by its name relative to the source, else by its file name if only one has it;
/// one of which nothing is said has no boxes. Errors: kIoError, kBadRequest (names the entry).
protocol::Result<std::unique_ptr<Detector>> open_boxes(const std::string& path);

}  // namespace berth::vision
