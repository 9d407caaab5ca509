// SPDX-License-Identifier: Apache-2.0
// Resampling along one axis with a triangle: linear interpolation when growing, and as wide as one
// output on either side when shrinking, so that no input is left out (PIL's bilinear, in floats).
#pragma once

#include <cstddef>
#include <vector>

namespace berth::signal {

/// output[j] = sum over k of weights[k] * input[first + k]; the weights add up to 1.
struct Taps {
  size_t first = 0;
  std::vector<float> weights;

  size_t end() const { return first + weights.size(); }
};

/// One for each of `out` outputs; first and end() never decrease. `in` and `out` at least 1.
std::vector<Taps> triangle_taps(size_t in, size_t out);

}  // namespace berth::signal
