// SPDX-License-Identifier: Apache-2.0
#include "dataset/random.h"

#include <cmath>
#include <initializer_list>

namespace berth::dataset {

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double Random::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

int Random::integer(int low, int high) {
  return low + static_cast<int>(uniform() * (high - low + 1));
}

void Random::gaussian_pair(float* first, float* second) {
  const float radius = std::sqrt(-2.0f * std::log(static_cast<float>(1.0 - uniform())));
  const float angle = static_cast<float>(2 * M_PI * uniform());
  *first = radius * std::cos(angle);
  *second = radius * std::sin(angle);
}

uint64_t mix_seed(uint64_t seed, uint64_t a, uint64_t b, uint64_t c) {
  for (const uint64_t part : {a, b, c})
    seed = Random(seed ^ (part * 0xD1B54A32D192ED03u + 1)).next();
  return seed;
}

}  // namespace berth::dataset
