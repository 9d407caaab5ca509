// SPDX-License-Identifier: Apache-2.0
#include "signal/triangle.h"

#include <algorithm>
#include <cmath>

namespace berth::signal {

std::vector<Taps> triangle_taps(size_t in, size_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double reach = std::max(1.0, scale);
  std::vector<Taps> all(out);
  for (size_t j = 0; j < out; ++j) {
    const double centre = (static_cast<double>(j) + 0.5) * scale;
    const double low = std::max(0.0, std::floor(centre - reach + 0.5));
    const double high = std::min(static_cast<double>(in), std::floor(centre + reach + 0.5));
    Taps& taps = all[j];
    taps.first = std::min(static_cast<size_t>(low), in - 1);
    double sum = 0;
    std::vector<double> weights;
    for (double i = static_cast<double>(taps.first); i < high; ++i) {
      weights.push_back(std::max(0.0, 1 - std::abs(i + 0.5 - centre) / reach));
      sum += weights.back();
    }
    if (weights.empty() || sum <= 0) {
      weights.assign(1, 1.0);
      sum = 1;
    }
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
  }
  return all;
}

}  // namespace berth::signal
