// SPDX-License-Identifier: Apache-2.0
// Pictures of how well a model does.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "image/bitmap.h"
#include "protocol/result.h"
#include "vision/metrics.h"

namespace berth::vision {

/// Rows are the true classes, columns the predicted ones; the colour of a field is its share of its
/// row. Numbers and names where there is room for them.
image::Bitmap draw_confusion(const std::vector<std::vector<int64_t>>& confusion,
                             const std::vector<std::string>& names);

/// Loss and accuracy of training and validation over the epochs. `history`: TrainingMetrics
/// objects; what is null there leaves a gap.
image::Bitmap draw_learning_curves(const boost::json::array& history);

/// As PNG. Errors: kNoSpace, kIoError.
protocol::Status write_chart(const image::Bitmap& picture, const std::string& path);

}  // namespace berth::vision
