// SPDX-License-Identifier: Apache-2.0
// Prometheus' text format, version 0.0.4: families of samples with help and type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::metrics {

enum class Type : std::uint8_t { kGauge, kCounter, kHistogram, kUntyped };

using Labels = std::vector<std::pair<std::string_view, std::string>>;

class Text {
 public:
  /// What follows belongs to it. A family without a sample is left out.
  void family(std::string_view name, Type type, std::string_view help);
  /// `suffix`: "_bucket", "_sum", "_count" of a histogram.
  void sample(const Labels& labels, double value, std::string_view suffix = "");
  /// Nothing where there is no value.
  template <class Number>
  void sample(const Labels& labels, const std::optional<Number>& value) {
    if (value) sample(labels, static_cast<double>(*value));
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
  std::string head_;  // of a family without a sample yet
};

}  // namespace berth::metrics
