// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every machine: the distributions of the standard library
// differ between implementations.
#pragma once

#include <cstdint>

namespace berth::dataset {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Cheap to start, so that every picture has its own.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next();
  /// 0 <= value < 1.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// low <= value <= high.
  int integer(int low, int high);
  /// Two independent values of mean 0 and variance 1 (Box and Muller).
  void gaussian_pair(float* first, float* second);

 private:
  uint64_t state_;
};

/// A seed that depends on all four numbers, so that pictures are independent of one another.
uint64_t mix_seed(uint64_t seed, uint64_t a, uint64_t b, uint64_t c);

}  // namespace berth::dataset
