// SPDX-License-Identifier: Apache-2.0
#include "prepare/lab.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "prepare/convolve.h"

namespace berth::prepare {
namespace {

constexpr float kWhiteX = 0.950456f, kWhiteZ = 1.088754f;
constexpr float kKnee = 0.008856f;   // of f(t): below it is a line
constexpr float kLineRise = 7.787f;  // of that line
constexpr float kLineFoot = 16.0f / 116.0f;
constexpr int kGammaSteps = 1 << 14;

float linear(float value) {
  return value <= 0.04045f ? value / 12.92f : std::pow((value + 0.055f) / 1.055f, 2.4f);
}

float encoded(float value) {
  return value <= 0.0031308f ? value * 12.92f : 1.055f * std::pow(value, 1 / 2.4f) - 0.055f;
}

const std::array<float, 256>& linear_table() {
  static const auto table = [] {
    std::array<float, 256> values{};
    for (size_t i = 0; i < values.size(); ++i) values[i] = linear(static_cast<float>(i) / 255.0f);
    return values;
  }();
  return table;
}

/// 0..1 in kGammaSteps steps to 0..255: fine enough that no 8-bit value is off by more than one in
/// the steep part near 0.
const std::vector<uint8_t>& encoded_table() {
  static const auto table = [] {
    std::vector<uint8_t> values(kGammaSteps + 1);
    for (int i = 0; i <= kGammaSteps; ++i) {
      values[static_cast<size_t>(i)] =
          to_byte(255.0f * encoded(static_cast<float>(i) / static_cast<float>(kGammaSteps)));
    }
    return values;
  }();
  return table;
}

float f(float t) { return t > kKnee ? std::cbrt(t) : kLineRise * t + kLineFoot; }

float f_inverse(float value) {
  const float cube = value * value * value;
  return cube > kKnee ? cube : (value - kLineFoot) / kLineRise;
}

uint8_t encode_byte(float value) {
  const float step = std::clamp(value, 0.0f, 1.0f) * static_cast<float>(kGammaSteps);
  return encoded_table()[static_cast<size_t>(std::lrintf(step))];
}

}  // namespace

Lab to_lab(const image::Bitmap& picture) {
  const size_t count = picture.pixels.size() / 3;
  Lab lab{picture.width, picture.height, std::vector<uint8_t>(count), std::vector<uint8_t>(count),
          std::vector<uint8_t>(count)};
  const auto& table = linear_table();
  for (size_t i = 0; i < count; ++i) {
    const float r = table[picture.pixels[i * 3]];
    const float g = table[picture.pixels[i * 3 + 1]];
    const float b = table[picture.pixels[i * 3 + 2]];
    const float x = (0.412453f * r + 0.357580f * g + 0.180423f * b) / kWhiteX;
    const float y = 0.212671f * r + 0.715160f * g + 0.072169f * b;
    const float z = (0.019334f * r + 0.119193f * g + 0.950227f * b) / kWhiteZ;
    const float fx = f(x), fy = f(y), fz = f(z);
    const float l = y > kKnee ? 116 * fy - 16 : 903.3f * y;
    lab.l[i] = to_byte(l * 2.55f);
    lab.a[i] = to_byte(500 * (fx - fy) + 128);
    lab.b[i] = to_byte(200 * (fy - fz) + 128);
  }
  return lab;
}

image::Bitmap to_rgb(const Lab& lab) {
  image::Bitmap picture;
  picture.width = lab.width;
  picture.height = lab.height;
  picture.pixels.resize(lab.l.size() * 3);
  for (size_t i = 0; i < lab.l.size(); ++i) {
    const float l = static_cast<float>(lab.l[i]) / 2.55f;
    const float fy = l > 903.3f * kKnee ? (l + 16) / 116 : kLineRise * (l / 903.3f) + kLineFoot;
    const float y = l > 903.3f * kKnee ? fy * fy * fy : l / 903.3f;
    const float x = kWhiteX * f_inverse(fy + (static_cast<float>(lab.a[i]) - 128) / 500);
    const float z = kWhiteZ * f_inverse(fy - (static_cast<float>(lab.b[i]) - 128) / 200);
    uint8_t* pixel = &picture.pixels[i * 3];
    pixel[0] = encode_byte(3.240479f * x - 1.537150f * y - 0.498535f * z);
    pixel[1] = encode_byte(-0.969256f * x + 1.875991f * y + 0.041556f * z);
    pixel[2] = encode_byte(0.055648f * x - 0.204043f * y + 1.057311f * z);
  }
  return picture;
}

}  // namespace berth::prepare
