// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace berth::vision {

/// What a classifier is built with.
struct ModelOptions {
  int64_t num_classes = 0;
  /// Instead of the family's usual probabilities: of a dropped value, of a dropped residual branch.
  std::optional<double> dropout = std::nullopt;
  std::optional<double> stochastic_depth = std::nullopt;
  /// MobileNetV3: values between the two layers of the head. RFUAV's have 512, and a ReLU instead
  /// of a hardswish.
  std::optional<int64_t> head_hidden = std::nullopt;
};

}  // namespace berth::vision
