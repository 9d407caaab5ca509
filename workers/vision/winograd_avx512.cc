// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <immintrin.h>

#include "vision/winograd_lanes.h"

namespace berth::vision {
namespace {

struct Avx512 {
  using Vector = __m512;
  static constexpr size_t kLanes = 16, kRows = 12;
  static Vector load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, Vector a) { _mm512_storeu_ps(to, a); }
  static Vector spread(float value) { return _mm512_set1_ps(value); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
  static Vector mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
};

}  // namespace

const WinogradKernel kWinogradAvx512 = Winograd<Avx512>::kKernel;

}  // namespace berth::vision
#endif
