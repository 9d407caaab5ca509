// SPDX-License-Identifier: Apache-2.0
// How often a duration fell between which bounds.
#pragma once

#include <array>
#include <cstdint>

#include "metrics/text.h"

namespace berth::metrics {

class Histogram {
 public:
  /// Seconds: from what a person does not notice to a week.
  static constexpr std::array<double, 12> kBounds{0.01, 0.1, 0.5,  1,    5,     30,
                                                  60,   300, 1800, 7200, 43200, 604800};

  void observe(double seconds);
  /// Into the family that was begun last.
  void write(Text& text, const Labels& labels) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::array<std::uint64_t, kBounds.size()> below_{};  // of each, those up to it
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace berth::metrics
