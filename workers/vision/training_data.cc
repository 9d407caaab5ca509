// SPDX-License-Identifier: Apache-2.0
#include "vision/training_data.h"

#include <algorithm>
#include <iterator>

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using protocol::failed;

std::string joined(const std::vector<std::string>& names) {
  constexpr size_t kMost = 5;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMost; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

std::vector<std::string> without(const std::vector<std::string>& all,
                                 const std::vector<std::string>& those) {
  std::vector<std::string> rest;
  std::set_difference(all.begin(), all.end(), those.begin(), those.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

protocol::Result<TrainingData> list_training_data(const std::string& train_path,
                                                  const std::string& val_path,
                                                  int64_t num_classes) {
  auto train = image::list_image_folder(train_path);
  if (!train) return forward_error(train);
  const auto found = static_cast<int64_t>(train->class_names.size());
  if (found != num_classes) {
    return failed(ErrorCode::kBadRequest,
                  "num_classes is " + std::to_string(num_classes) + " but " + train_path + " has " +
                      std::to_string(found) + " class folders (" + joined(train->class_names) +
                      "): make them agree",
                  train_path);
  }
  auto val = image::list_image_folder(val_path);
  if (!val) return forward_error(val);
  const auto missing = without(train->class_names, val->class_names);
  const auto extra = without(val->class_names, train->class_names);
  if (!missing.empty() || !extra.empty()) {
    std::string message = "the classes of " + val_path + " are not those of " + train_path;
    if (!missing.empty()) message += "; missing: " + joined(missing);
    if (!extra.empty()) message += "; not in training: " + joined(extra);
    return failed(ErrorCode::kBadRequest, message, val_path);
  }
  return TrainingData{std::move(*train), std::move(*val)};
}

}  // namespace berth::vision
