// SPDX-License-Identifier: Apache-2.0
// 3x3 convolutions of stride 1 on the CPU by Winograd's minimal filtering F(2x2, 3x3): 16 products
// for four outputs instead of 36 (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", arXiv 1509.09308). For x86-64; this header pulls in nothing with inline code, because
// what the files for newer processors compile must not be linked into the rest.
#pragma once

#include <cstddef>

namespace berth::vision {

/// Pictures are count x height x width x channels in memory ("channels last"), padded with a border
/// of zeros of one pixel; the output is as large as the input.
struct WinogradShape {
  size_t count, height, width, in, out;
  size_t tile_rows() const { return (height + 1) / 2; }
  size_t tile_columns() const { return (width + 1) / 2; }
  size_t tiles() const { return count * tile_rows() * tile_columns(); }
};

/// Floats of the transformed weights.
inline constexpr size_t winograd_weight_size(size_t in, size_t out) { return 16 * in * out; }

/// For vectors of one width.
struct WinogradKernel {
  size_t in_step, out_step;  // numbers of channels are multiples of these
  /// `from`: 3 x 3 x in x out. Of the input channels [first, end). The form is the kernel's own.
  void (*weights)(const float* from, size_t in, size_t out, size_t first, size_t end,
                  float* transformed);
  /// Tiles that are best done together, and floats of scratch memory for so many.
  size_t (*block)(const WinogradShape& shape);
  size_t (*scratch)(const WinogradShape& shape, size_t tiles);
  /// The output's tiles [first, end), at most block() of them.
  void (*tiles)(const WinogradShape& shape, const float* pictures, const float* transformed,
                size_t first, size_t end, float* scratch, float* output);
};

extern const WinogradKernel kWinogradAvx2;    // AVX2 and FMA
extern const WinogradKernel kWinogradAvx512;  // AVX-512F

}  // namespace berth::vision
