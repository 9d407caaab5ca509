// SPDX-License-Identifier: Apache-2.0
// winograd_kernel.h for one width of vectors. Only for a file that is compiled for a processor with
// such vectors, and with -ffp-contract=fast so that a product and a sum are one instruction:
// everything here is local to the file that includes it.
#pragma once

#include "vision/winograd_kernel.h"

namespace berth::vision {
namespace {  // NOLINT(*-anonymous-namespace-in-header): see above

constexpr size_t kPoints = 16;

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

/// `Vector` of floats; the registers hold `kRows` rows of a product, two vectors wide.
template <typename Vector, size_t kRows>
struct Winograd {
  static constexpr size_t kLanes = sizeof(Vector) / sizeof(float), kPanel = 2 * kLanes;

  // What is in memory need not be aligned.
  static Vector load(const float* from) {
    Vector to;
    __builtin_memcpy(&to, from, sizeof to);
    return to;
  }
  static void store(float* to, Vector from) { __builtin_memcpy(to, &from, sizeof from); }

  /// B^T d B of a 4x4 patch of `in` channels, to 16 planes `plane` floats apart.
  static void transform_patch(const float* const* pixels, size_t in, size_t plane, float* to) {
    for (size_t c = 0; c < in; c += kLanes) {
      Vector t[4][4];
      for (size_t column = 0; column < 4; ++column) {
        const Vector d0 = load(pixels[column] + c);
        const Vector d1 = load(pixels[4 + column] + c);
        const Vector d2 = load(pixels[8 + column] + c);
        const Vector d3 = load(pixels[12 + column] + c);
        t[0][column] = d0 - d2;
        t[1][column] = d1 + d2;
        t[2][column] = d2 - d1;
        t[3][column] = d1 - d3;
      }
      for (size_t row = 0; row < 4; ++row) {
        float* out = to + 4 * row * plane + c;
        store(out, t[row][0] - t[row][2]);
        store(out + plane, t[row][1] + t[row][2]);
        store(out + 2 * plane, t[row][2] - t[row][1]);
        store(out + 3 * plane, t[row][1] - t[row][3]);
      }
    }
  }

  static void transform_tile(const WinogradShape& s, const float* pictures, const float* zeros,
                             size_t tile, size_t plane, float* to) {
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

  /// kRows rows of `from` (rows `in` floats long) times a panel (in x 16) to `to` (rows `out`
  /// long).
  static void multiply_rows(const float* from, const float* panel, size_t in, size_t out,
                            float* to) {
    Vector sums[kRows][2];
    for (size_t r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = Vector{};
    for (size_t c = 0; c < in; ++c) {
      const Vector low = load(panel + kPanel * c);
      const Vector high = load(panel + kPanel * c + kLanes);
      for (size_t r = 0; r < kRows; ++r) {
        const float value = from[r * in + c];
        sums[r][0] = value * low + sums[r][0];
        sums[r][1] = value * high + sums[r][1];
      }
    }
    for (size_t r = 0; r < kRows; ++r) {
      store(to + r * out, sums[r][0]);
      store(to + r * out + kLanes, sums[r][1]);
    }
  }

  /// A^T m A of 16 planes to the tile's 2x2 pixels, as far as they are in the picture.
  static void finish_tile(const WinogradShape& s, const float* from, size_t plane, size_t tile,
                          float* output) {
    const Place at = place_of(s, tile);
    const size_t y = 2 * at.row, x = 2 * at.column;
    float* upper = output + ((at.picture * s.height + y) * s.width + x) * s.out;
    float* lower = upper + s.width * s.out;
    const bool two_rows = y + 1 < s.height, two_columns = x + 1 < s.width;
    for (size_t k = 0; k < s.out; k += kLanes) {
      Vector t[2][4];
      for (size_t column = 0; column < 4; ++column) {
        const Vector m0 = load(from + column * plane + k);
        const Vector m1 = load(from + (4 + column) * plane + k);
        const Vector m2 = load(from + (8 + column) * plane + k);
        const Vector m3 = load(from + (12 + column) * plane + k);
        t[0][column] = m0 + m1 + m2;
        t[1][column] = m1 - m2 - m3;
      }
      const auto left = [](const Vector* row) { return row[0] + row[1] + row[2]; };
      const auto right = [](const Vector* row) { return row[1] - row[2] - row[3]; };
      store(upper + k, left(t[0]));
      if (two_columns) store(upper + s.out + k, right(t[0]));
      if (!two_rows) continue;
      store(lower + k, left(t[1]));
      if (two_columns) store(lower + s.out + k, right(t[1]));
    }
  }

  static void weights(const float* from, size_t in, size_t out, size_t first, size_t end,
                      float* transformed) {
    // G (a, b, c): a, (a + b + c) / 2, (a - b + c) / 2, c.
    const auto filter = [&](Vector a, Vector b, Vector c, Vector* to) {
      const Vector outer = a + c;
      to[0] = a;
      to[1] = (outer + b) * 0.5F;
      to[2] = (outer - b) * 0.5F;
      to[3] = c;
    };
    for (size_t c = first; c < end; ++c) {
      for (size_t k = 0; k < out; k += kLanes) {
        Vector columns[3][4];
        for (size_t column = 0; column < 3; ++column) {
          const float* at = from + (column * in + c) * out + k;
          filter(load(at), load(at + 3 * in * out), load(at + 6 * in * out), columns[column]);
        }
        float* to = transformed + (k / kPanel) * kPanel * in + kPanel * c + k % kPanel;
        for (size_t row = 0; row < 4; ++row) {
          Vector points[4];
          filter(columns[0][row], columns[1][row], columns[2][row], points);
          for (size_t i = 0; i < 4; ++i) store(to + (4 * row + i) * in * out, points[i]);
        }
      }
    }
  }

  static size_t block(const WinogradShape& shape) {
    // Both planes of a block should stay in the second level of cache, but the weights must also be
    // used often enough for each time they are read.
    constexpr size_t kCache = 96 * 1024, kLeast = 48, kMost = 192;  // floats, tiles
    const size_t fitting = kCache / (kPoints * (shape.in + shape.out));
    return rounded_up(fitting < kLeast ? kLeast : least(fitting, kMost), kRows);
  }

  static size_t scratch(const WinogradShape& shape, size_t tiles) {
    return kPoints * rounded_up(tiles, kRows) * (shape.in + shape.out) + shape.in;
  }

  static void tiles(const WinogradShape& shape, const float* pictures, const float* transformed,
                    size_t first, size_t end, float* memory, float* output) {
    const size_t count = end - first, rows = rounded_up(count, kRows);
    float* zeros = memory;
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

  static constexpr WinogradKernel kKernel{kLanes, kPanel, weights, block, scratch, tiles};
};

}  // namespace
}  // namespace berth::vision
