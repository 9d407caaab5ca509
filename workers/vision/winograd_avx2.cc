// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <immintrin.h>

#include "vision/winograd_lanes.h"

namespace berth::vision {
namespace {

struct Avx2 {
  using Vector = __m256;
  static constexpr size_t kLanes = 8, kRows = 6;
  static Vector load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, Vector a) { _mm256_storeu_ps(to, a); }
  static Vector spread(float value) { return _mm256_set1_ps(value); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
  static Vector mul(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
};

}  // namespace

const WinogradKernel kWinogradAvx2 = Winograd<Avx2>::kKernel;

}  // namespace berth::vision
#endif
