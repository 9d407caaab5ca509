// SPDX-License-Identifier: Apache-2.0
#include "vision/winograd_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace berth::vision {
namespace {

constexpr size_t kPoints = 16, kLanes = 8, kPanel = 16, kRows = 6;

size_t least(size_t a, size_t b) { return a < b ? a : b; }
size_t rounded_up(size_t count, size_t step) { return (count + step - 1) / step * step; }

struct Place {
  size_t picture, row, column;  // of a tile
};

Place place_of(const WinogradShape& s, size_t tile) {
  const size_t columns = s.tile_columns(), per_picture = s.tile_rows() * columns;
  const size_t within = tile % per_picture;
  return {tile / per_picture, within / columns, within % columns};
}

/// B^T d B of a 4x4 patch of `in` channels, to 16 planes `plane` floats apart.
void transform_patch(const float* const* pixels, size_t in, size_t plane, float* to) {
  for (size_t c = 0; c < in; c += kLanes) {
    __m256 t[4][4];
    for (size_t column = 0; column < 4; ++column) {
      const __m256 d0 = _mm256_loadu_ps(pixels[column] + c);
      const __m256 d1 = _mm256_loadu_ps(pixels[4 + column] + c);
      const __m256 d2 = _mm256_loadu_ps(pixels[8 + column] + c);
      const __m256 d3 = _mm256_loadu_ps(pixels[12 + column] + c);
      t[0][column] = _mm256_sub_ps(d0, d2);
      t[1][column] = _mm256_add_ps(d1, d2);
      t[2][column] = _mm256_sub_ps(d2, d1);
      t[3][column] = _mm256_sub_ps(d1, d3);
    }
    for (size_t row = 0; row < 4; ++row) {
      float* out = to + 4 * row * plane + c;
      _mm256_storeu_ps(out, _mm256_sub_ps(t[row][0], t[row][2]));
      _mm256_storeu_ps(out + plane, _mm256_add_ps(t[row][1], t[row][2]));
      _mm256_storeu_ps(out + 2 * plane, _mm256_sub_ps(t[row][2], t[row][1]));
      _mm256_storeu_ps(out + 3 * plane, _mm256_sub_ps(t[row][1], t[row][3]));
    }
  }
}

void transform_tile(const WinogradShape& s, const float* pictures, const float* zeros, size_t tile,
                    size_t plane, float* to) {
  const Place at = place_of(s, tile);
  const float* picture = pictures + at.picture * s.height * s.width * s.in;
  const float* pixels[kPoints];
  for (size_t row = 0; row < 4; ++row) {
    const size_t y = 2 * at.row + row;  // one more than the pixel's row
    for (size_t column = 0; column < 4; ++column) {
      const size_t x = 2 * at.column + column;
      const bool inside = y >= 1 && y <= s.height && x >= 1 && x <= s.width;
      pixels[4 * row + column] = inside ? picture + ((y - 1) * s.width + (x - 1)) * s.in : zeros;
    }
  }
  transform_patch(pixels, s.in, plane, to);
}

/// kRows rows of `from` (rows `in` floats long) times a panel (in x 16) to `to` (rows `out` long).
void multiply_rows(const float* from, const float* panel, size_t in, size_t out, float* to) {
  __m256 sums[kRows][2];
  for (size_t r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (size_t c = 0; c < in; ++c) {
    const __m256 low = _mm256_loadu_ps(panel + kPanel * c);
    const __m256 high = _mm256_loadu_ps(panel + kPanel * c + kLanes);
    for (size_t r = 0; r < kRows; ++r) {
      const __m256 value = _mm256_broadcast_ss(from + r * in + c);
      sums[r][0] = _mm256_fmadd_ps(value, low, sums[r][0]);
      sums[r][1] = _mm256_fmadd_ps(value, high, sums[r][1]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    _mm256_storeu_ps(to + r * out, sums[r][0]);
    _mm256_storeu_ps(to + r * out + kLanes, sums[r][1]);
  }
}

/// A^T m A of 16 planes to the tile's 2x2 pixels, as far as they are in the picture.
void finish_tile(const WinogradShape& s, const float* from, size_t plane, size_t tile,
                 float* output) {
  const Place at = place_of(s, tile);
  const size_t y = 2 * at.row, x = 2 * at.column;
  float* upper = output + ((at.picture * s.height + y) * s.width + x) * s.out;
  float* lower = upper + s.width * s.out;
  const bool two_rows = y + 1 < s.height, two_columns = x + 1 < s.width;
  for (size_t k = 0; k < s.out; k += kLanes) {
    __m256 t[2][4];
    for (size_t column = 0; column < 4; ++column) {
      const __m256 m0 = _mm256_loadu_ps(from + column * plane + k);
      const __m256 m1 = _mm256_loadu_ps(from + (4 + column) * plane + k);
      const __m256 m2 = _mm256_loadu_ps(from + (8 + column) * plane + k);
      const __m256 m3 = _mm256_loadu_ps(from + (12 + column) * plane + k);
      t[0][column] = _mm256_add_ps(_mm256_add_ps(m0, m1), m2);
      t[1][column] = _mm256_sub_ps(_mm256_sub_ps(m1, m2), m3);
    }
    const auto left = [](const __m256* row) {
      return _mm256_add_ps(_mm256_add_ps(row[0], row[1]), row[2]);
    };
    const auto right = [](const __m256* row) {
      return _mm256_sub_ps(_mm256_sub_ps(row[1], row[2]), row[3]);
    };
    _mm256_storeu_ps(upper + k, left(t[0]));
    if (two_columns) _mm256_storeu_ps(upper + s.out + k, right(t[0]));
    if (!two_rows) continue;
    _mm256_storeu_ps(lower + k, left(t[1]));
    if (two_columns) _mm256_storeu_ps(lower + s.out + k, right(t[1]));
  }
}

}  // namespace

void winograd_weights(const float* weights, size_t in, size_t out, size_t first, size_t end,
                      float* transformed) {
  const __m256 half = _mm256_set1_ps(0.5F);
  // G (a, b, c): a, (a + b + c) / 2, (a - b + c) / 2, c.
  const auto filter = [&](__m256 a, __m256 b, __m256 c, __m256* to) {
    const __m256 outer = _mm256_add_ps(a, c);
    to[0] = a;
    to[1] = _mm256_mul_ps(_mm256_add_ps(outer, b), half);
    to[2] = _mm256_mul_ps(_mm256_sub_ps(outer, b), half);
    to[3] = c;
  };
  for (size_t c = first; c < end; ++c) {
    for (size_t k = 0; k < out; k += kLanes) {
      __m256 columns[3][4];
      for (size_t column = 0; column < 3; ++column) {
        const float* at = weights + (column * in + c) * out + k;
        filter(_mm256_loadu_ps(at), _mm256_loadu_ps(at + 3 * in * out),
               _mm256_loadu_ps(at + 6 * in * out), columns[column]);
      }
      float* to = transformed + (k / kPanel) * kPanel * in + kPanel * c + k % kPanel;
      for (size_t row = 0; row < 4; ++row) {
        __m256 points[4];
        filter(columns[0][row], columns[1][row], columns[2][row], points);
        for (size_t i = 0; i < 4; ++i) _mm256_storeu_ps(to + (4 * row + i) * in * out, points[i]);
      }
    }
  }
}

size_t winograd_block(const WinogradShape& shape) {
  // Both planes of a block should stay in the second level of cache, but the weights must also be
  // used often enough for each time they are read.
  constexpr size_t kCache = 96 * 1024, kLeast = 48, kMost = 192;  // floats, tiles
  const size_t fitting = kCache / (kPoints * (shape.in + shape.out));
  return rounded_up(fitting < kLeast ? kLeast : least(fitting, kMost), kRows);
}

size_t winograd_scratch(const WinogradShape& shape, size_t block) {
  return kPoints * rounded_up(block, kRows) * (shape.in + shape.out) + shape.in;
}

void winograd_tiles(const WinogradShape& shape, const float* pictures, const float* transformed,
                    size_t first, size_t end, float* scratch, float* output) {
  const size_t count = end - first, rows = rounded_up(count, kRows);
  float* zeros = scratch;
  float* inputs = zeros + shape.in;                      // 16 x rows x in
  float* products = inputs + kPoints * rows * shape.in;  // 16 x rows x out
  for (size_t c = 0; c < shape.in; ++c) zeros[c] = 0;
  for (size_t i = 0; i < rows; ++i) {
    // Rows beyond the end are products nobody looks at; what was in memory could be slow to
    // multiply.
    const size_t tile = first + (i < count ? i : count - 1);
    transform_tile(shape, pictures, zeros, tile, rows * shape.in, inputs + i * shape.in);
  }
  for (size_t point = 0; point < kPoints; ++point) {
    const float* from = inputs + point * rows * shape.in;
    const float* panels = transformed + point * shape.in * shape.out;
    float* to = products + point * rows * shape.out;
    for (size_t k = 0; k < shape.out; k += kPanel) {
      for (size_t i = 0; i < rows; i += kRows) {
        multiply_rows(from + i * shape.in, panels + k * shape.in, shape.in, shape.out,
                      to + i * shape.out + k);
      }
    }
  }
  for (size_t i = 0; i < count; ++i)
    finish_tile(shape, products + i * shape.out, rows * shape.out, first + i, output);
}

}  // namespace berth::vision
#endif
