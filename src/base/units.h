// SPDX-License-Identifier: Apache-2.0
// Amounts of memory. "GB" in fields that the original services named so is GiB (divided by 1024^3).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace berth::base {

struct Bytes {
  std::int64_t value = 0;

  auto operator<=>(const Bytes&) const = default;
  Bytes& operator+=(Bytes other) {
    value += other.value;
    return *this;
  }
  Bytes& operator-=(Bytes other) {
    value -= other.value;
    return *this;
  }
  friend Bytes operator+(Bytes a, Bytes b) { return Bytes{a.value + b.value}; }
  friend Bytes operator-(Bytes a, Bytes b) { return Bytes{a.value - b.value}; }

  [[nodiscard]] double gib() const { return static_cast<double>(value) / kGiB; }
  static Bytes from_gib(double gib);

  static constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
};

/// "23.69 GB": GiB with two decimals; below 1 GiB "828.00 MB".
std::string to_text(Bytes bytes);

/// Parses "8", "8G", "8GiB", "512M", "0.5g"; a bare number is GiB. Negative, empty and unknown
/// units are refused with kBadRequest.
Result<Bytes> parse_bytes(const std::string& text);

}  // namespace berth::base
