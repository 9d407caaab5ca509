// SPDX-License-Identifier: Apache-2.0
#include "vision/class_rows.h"

#include <boost/json/object.hpp>

namespace berth::vision {

boost::json::array class_rows(const ClassificationMetrics& metrics,
                              const std::vector<std::string>& names) {
  boost::json::array rows;
  for (size_t i = 0; i < metrics.classes.size(); ++i) {
    const ClassMetrics& own = metrics.classes[i];
    rows.push_back({{"class", names[i]},
                    {"support", own.support},
                    {"precision", own.precision},
                    {"recall", own.recall},
                    {"f1", own.f1},
                    {"average_precision", own.average_precision}});
  }
  return rows;
}

boost::json::array confusion_rows(const ClassificationMetrics& metrics) {
  boost::json::array rows;
  for (const auto& counts : metrics.confusion)
    rows.push_back(boost::json::array(counts.begin(), counts.end()));
  return rows;
}

}  // namespace berth::vision
