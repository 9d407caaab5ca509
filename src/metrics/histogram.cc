// SPDX-License-Identifier: Apache-2.0
#include "metrics/histogram.h"

#include <charconv>
#include <string>

namespace berth::metrics {

void Histogram::observe(double seconds) {
  for (std::size_t i = 0; i < kBounds.size(); ++i) below_[i] += seconds <= kBounds[i] ? 1 : 0;
  ++count_;
  sum_ += seconds;
}

void Histogram::write(Text& text, const Labels& labels) const {
  Labels with_bound = labels;
  with_bound.emplace_back("le", "");
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    std::array<char, 32> bound;
    const auto end = std::to_chars(bound.data(), bound.data() + bound.size(), kBounds[i]);
    with_bound.back().second.assign(bound.data(), end.ptr);
    text.sample(with_bound, static_cast<double>(below_[i]), "_bucket");
  }
  with_bound.back().second = "+Inf";
  text.sample(with_bound, static_cast<double>(count_), "_bucket");
  text.sample(labels, sum_, "_sum");
  text.sample(labels, static_cast<double>(count_), "_count");
}

}  // namespace berth::metrics
