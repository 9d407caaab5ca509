// SPDX-License-Identifier: Apache-2.0
#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace berth::image {
namespace {

// 255 * 2^22 stays below 2^31, so sums of weights near 1 fit an int32.
constexpr int kWeightBits = 22;

/// For each output position the first input position and the weights of those that follow.
struct Filter {
  std::vector<int> first;
  std::vector<int> count;
  std::vector<int32_t> weights;  // `stride` per output position
  int stride = 0;
};

Filter make_filter(int in, int out) {
  Filter filter;
  const double ratio = static_cast<double>(in) / out;
  const double support = std::max(1.0, ratio);
  filter.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  filter.first.resize(static_cast<size_t>(out));
  filter.count.resize(static_cast<size_t>(out));
  filter.weights.assign(static_cast<size_t>(out) * static_cast<size_t>(filter.stride), 0);
  std::vector<double> raw(static_cast<size_t>(filter.stride));
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * ratio;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int end = std::min(in, static_cast<int>(centre + support + 0.5));
    double sum = 0;
    for (int k = first; k < end; ++k) {
      const double distance = std::abs((k + 0.5 - centre) / support);
      raw[static_cast<size_t>(k - first)] = std::max(0.0, 1.0 - distance);
      sum += raw[static_cast<size_t>(k - first)];
    }
    filter.first[static_cast<size_t>(i)] = first;
    filter.count[static_cast<size_t>(i)] = end - first;
    for (int k = 0; k < end - first; ++k) {
      filter.weights[static_cast<size_t>(i * filter.stride + k)] =
          static_cast<int32_t>(std::lround(raw[static_cast<size_t>(k)] / sum * (1 << kWeightBits)));
    }
  }
  return filter;
}

uint8_t narrow(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

}  // namespace

void resize(const Bitmap& picture, int width, int height, uint8_t* out) {
  if (picture.width == width && picture.height == height) {
    std::memcpy(out, picture.pixels.data(), picture.pixels.size());
    return;
  }
  constexpr int32_t kHalf = 1 << (kWeightBits - 1);
  const Filter across = make_filter(picture.width, width);
  std::vector<uint8_t> narrowed(static_cast<size_t>(width) * static_cast<size_t>(picture.height) *
                                3);
  for (int y = 0; y < picture.height; ++y) {
    const uint8_t* row =
        picture.pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(picture.width) * 3;
    uint8_t* to = narrowed.data() + static_cast<size_t>(y) * static_cast<size_t>(width) * 3;
    for (int x = 0; x < width; ++x) {
      const int32_t* weight = across.weights.data() + x * across.stride;
      const uint8_t* from = row + across.first[static_cast<size_t>(x)] * 3;
      int32_t sums[3] = {kHalf, kHalf, kHalf};
      for (int k = 0; k < across.count[static_cast<size_t>(x)]; ++k, from += 3) {
        for (int c = 0; c < 3; ++c) sums[c] += weight[k] * from[c];
      }
      for (int c = 0; c < 3; ++c) *to++ = narrow(sums[c]);
    }
  }
  const Filter down = make_filter(picture.height, height);
  const size_t row_bytes = static_cast<size_t>(width) * 3;
  std::vector<int32_t> sums(row_bytes);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < down.count[static_cast<size_t>(y)]; ++k) {
      const int32_t weight = down.weights[static_cast<size_t>(y * down.stride + k)];
      const uint8_t* row =
          narrowed.data() + static_cast<size_t>(down.first[static_cast<size_t>(y)] + k) * row_bytes;
      for (size_t i = 0; i < row_bytes; ++i) sums[i] += weight * row[i];
    }
    for (size_t i = 0; i < row_bytes; ++i) *out++ = narrow(sums[i]);
  }
}

}  // namespace berth::image
