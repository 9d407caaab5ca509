// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/half.h"

#include <cmath>
#include <cstring>

namespace berth::checkpoint {
namespace {

uint32_t bits_of(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_of(uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// `value` without its lowest `dropped` bits, rounded to nearest even.
uint32_t rounded(uint32_t value, int dropped) {
  const uint32_t half = uint32_t{1} << (dropped - 1);
  const uint32_t odd = value >> dropped & 1;
  return (value + half - 1 + odd) >> dropped;
}

}  // namespace

uint16_t to_half(float value) {
  constexpr int kDropped = 23 - 10;
  const uint32_t bits = bits_of(value), magnitude = bits & 0x7FFFFFFF;
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  if (magnitude > 0x7F800000) return sign | 0x7E00;   // NaN
  if (magnitude >= 0x47800000) return sign | 0x7C00;  // 65536 and more, infinity
  if (magnitude >= 0x38800000) {                      // 2^-14 and more: a normal number
    // A carry out of the fraction raises the exponent, up to infinity: that is what rounding means.
    const uint32_t exponent_moved = magnitude - ((127 - 15) << 23);
    return static_cast<uint16_t>(sign | rounded(exponent_moved, kDropped));
  }
  if (magnitude < 0x33000000) return sign;  // below 2^-25
  const int exponent = static_cast<int>(magnitude >> 23) - 127;
  const uint32_t fraction = (magnitude & 0x7FFFFF) | 0x800000;
  return static_cast<uint16_t>(sign | rounded(fraction, kDropped + (-14 - exponent)));
}

float from_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
  if (exponent == 31) return float_of(sign | 0x7F800000 | fraction << 13);
  if (exponent != 0) return float_of(sign | (exponent + 127 - 15) << 23 | fraction << 13);
  const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
  return sign != 0 ? -magnitude : magnitude;
}

uint16_t to_bfloat16(float value) {
  const uint32_t bits = bits_of(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>(rounded(bits, 16));
}

float from_bfloat16(uint16_t bits) { return float_of(static_cast<uint32_t>(bits) << 16); }

}  // namespace berth::checkpoint
