// SPDX-License-Identifier: Apache-2.0
// The types of tasks that prepare data sets (TaskRecord::type); the others are "training",
// "inference" and "command".
#pragma once

#include <string_view>

namespace berth::model {

inline constexpr std::string_view kDatasetSplit = "dataset_split";
inline constexpr std::string_view kDataAugmentation = "data_augmentation";
inline constexpr std::string_view kImageCrop = "image_crop";

/// They run in berth-worker-prepare, on the processor.
constexpr bool is_preprocessing(std::string_view type) {
  return type == kDatasetSplit || type == kDataAugmentation || type == kImageCrop;
}

}  // namespace berth::model
