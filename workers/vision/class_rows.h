// SPDX-License-Identifier: Apache-2.0
// What is told of single classes.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "vision/metrics.h"

namespace berth::vision {

/// An object per class: class, support, precision, recall, f1, average_precision.
boost::json::array class_rows(const ClassificationMetrics& metrics,
                              const std::vector<std::string>& names);

/// A row per true class with a number per predicted class.
boost::json::array confusion_rows(const ClassificationMetrics& metrics);

}  // namespace berth::vision
