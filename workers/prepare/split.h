// SPDX-License-Identifier: Apache-2.0
// Splitting a data set: the pictures of each class, in a random order that follows from the seed,
// go to output_path/train, /valid and /test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::prepare {

struct SplitSpec {
  std::string input_path;   ///< one sub-folder for each class
  std::string output_path;  ///< folder, made if needed
  double train_ratio = 0.8;
  std::optional<double> val_ratio;  ///< absent: all that is not for training; else the rest is test
  uint64_t seed = 0;
  bool overwrite = false;  ///< replaces train, valid and test of an earlier run
  bool link = false;       ///< hard links instead of copies
  std::optional<int64_t> threads;
};

/// How many pictures of a class go where.
struct Shares {
  uint64_t train = 0, valid = 0, test = 0;
};

/// The originals' rule: train and valid are rounded down, what is left goes to test, or to valid
/// where no test set was asked for (no val_ratio, or the two add up to 1).
Shares shares_of(uint64_t pictures, double train_ratio, std::optional<double> val_ratio);

/// Errors: kIoError, kBadRequest (names the field).
protocol::Result<SplitSpec> read_split_spec(const std::string& path);

/// Every file appears under output_path at once at the end: a run that fails or is ended leaves
/// what was there before. The result event has total_images, train_images, val_images,
/// test_images, classes, empty_classes, skipped_files, failed, failed_files, seed, output_path,
/// seconds.
/// Errors: kBadRequest (no class folder; output_path holds a split already), kEmptyClass (no
/// picture at all), kNoSpace, kIoError.
protocol::Status split(const SplitSpec& spec, protocol::EventWriter* events);

}  // namespace berth::prepare
