// SPDX-License-Identifier: Apache-2.0
// Augmenting a data set: further pictures made out of those of its train and valid folders.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "prepare/augmentation.h"
#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::prepare {

struct AugmentSpec {
  std::string dataset_path;  ///< holds train, valid or both, each with one folder per class
  std::string output_path;   ///< folder, made if needed
  std::vector<Augmentation> methods;
  uint64_t seed = 0;
  std::optional<int64_t> threads;
};

/// No methods, or an empty list: all of them. Errors: kIoError, kBadRequest (names the field, and
/// the known methods where one is not known).
protocol::Result<AugmentSpec> read_augment_spec(const std::string& path);

/// For the picture train/<class>/a.jpg: a_origin.jpg (the same bytes) and for method i of the list
/// a_AugM<i>.jpg in output_path/train/<class>, in the format of the extension. Files of that name
/// are replaced, each at once; others stay. The result depends on seed, name, method and picture
/// alone. The result event has original_images, augmented_images (without the originals' copies),
/// methods_used (a number), methods (names), classes, failed, failed_files, skipped_files, seed,
/// output_path, seconds.
/// Errors: kBadRequest (no train and no valid; output in the input), kEmptyClass (no picture at
/// all), kBadImage (all fail), kNoSpace, kIoError.
protocol::Status augment(const AugmentSpec& spec, protocol::EventWriter* events);

}  // namespace berth::prepare
