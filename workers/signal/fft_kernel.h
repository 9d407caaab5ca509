// SPDX-License-Identifier: Apache-2.0
// The inner loops of the short-time Fourier transform, compiled once for any processor and once for
// x86-64 with AVX2 and FMA; kernels() picks at run time.
//
// kLanes transforms run side by side: lane l of every vector belongs to window l, so that one
// vector instruction advances all of them and no step needs a shuffle except the way in and the way
// out. One complex element is two vectors, real and imaginary, which is one cache line of 64 bytes.
// This header pulls in nothing with inline code: what the AVX2 file compiles must not be linked
// into the rest of the program.
#pragma once

#include <cstddef>

namespace berth::signal {

inline constexpr size_t kMostLanes = 8;

/// One pass of a Stockham transform (self-sorting, from one buffer into another): `groups` times
/// `stride` butterflies of `radix` inputs.
struct FftPass {
  size_t radix = 0;
  size_t groups = 0;
  size_t stride = 0;
  const float* twiddles = nullptr;  ///< (radix - 1) complex numbers for each group
  const float* roots = nullptr;     ///< exp(-2 pi i k / radix), k < radix; for odd radices above 5
};

struct Kernels {
  const char* name;
  size_t lanes;
  /// element[i] = weights[i] * window l's sample i, for each lane l; window l begins `lane_step`
  /// complex samples after window l - 1.
  void (*gather)(const float* samples, size_t lane_step, const float* weights, size_t length,
                 float* elements);
  /// Passes of one transform, from `elements` back into `elements` or into `other`; returns where
  /// the outcome is.
  float* (*transform)(const FftPass* passes, size_t count, float* elements, float* other);
  /// Element i of lane l to rows[l][(i + shift) % length], complex.
  void (*scatter)(const float* elements, size_t length, size_t shift, float* const* rows);
  /// log2(|element|^2) to rows[l][(i + shift) % length], real. Never below -126: silence is that.
  void (*levels)(const float* elements, size_t length, size_t shift, float* const* rows);
  /// elements[i] *= factors[i], complex numbers, the same for all lanes.
  void (*multiply)(float* elements, const float* factors, size_t length);
  /// Exchanges real and imaginary parts: forward transform <-> inverse transform.
  void (*swap_parts)(float* elements, size_t length);
  /// sum[i] += weight * row[i].
  void (*accumulate)(const float* row, float weight, size_t length, float* sum);
  /// Lowers *low and raises *high to what `values` holds, values of -126 and below left out of low.
  void (*range)(const float* values, size_t count, float* low, float* high);
};

/// The fastest this processor can run.
const Kernels& kernels();
/// For any processor.
const Kernels& portable_kernels();

}  // namespace berth::signal
