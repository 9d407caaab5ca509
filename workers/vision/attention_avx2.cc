// SPDX-License-Identifier: Apache-2.0
#include "vision/attention_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace berth::vision {
namespace {

constexpr size_t kLanes = 8, kPanel = 16, kRows = 6;
constexpr size_t kBlock = 96;  // rows of scores that stay in the second level of cache

size_t least(size_t a, size_t b) { return a < b ? a : b; }
size_t panels(size_t count) { return (count + kPanel - 1) / kPanel; }
/// Floats from a row of scores to the next: an odd number of panels, so that columns of the matrix
/// do not all fall into the same few sets of the cache.
size_t score_stride(size_t length) { return (panels(length) | 1) * kPanel; }

/// e^x to a unit in the last place: 2^n e^r with |r| <= ln 2 / 2 and the series of e^r. NaN stays.
__m256 exponential(__m256 x) {
  // The second operand is what NaN gives.
  x = _mm256_min_ps(_mm256_set1_ps(88), _mm256_max_ps(_mm256_set1_ps(-87), x));
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504F)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts, of which the first has so few digits that n times it is exact.
  const __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4F),
                                    _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375F), x));
  constexpr float kSeries[] = {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1, 1};
  __m256 sum = _mm256_set1_ps(1.0F / 5040);
  for (const float term : kSeries) sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(term));
  const __m256i power =
      _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(sum, _mm256_castsi256_ps(power));
}

float sum_of(__m256 x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

/// Where element (row, column) lies: at + row * row_step + column * column_step.
struct Matrix {
  const float* at;
  size_t row_step, column_step;
};

/// Columns in panels of 16; row r of panel p begins at at + p * panel_step + 16 r.
struct Panels {
  const float* at;
  size_t panel_step;
};

template <size_t Rows>
void multiply_rows(Matrix a, const float* panel, size_t depth, bool add, float* to,
                   size_t to_stride) {
  __m256 sums[Rows][2];  // in registers, once the loops over them are unrolled
#pragma GCC unroll 6
  for (size_t r = 0; r < Rows; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  const float* column = a.at;
  for (size_t c = 0; c < depth; ++c, column += a.column_step, panel += kPanel) {
    const __m256 low = _mm256_loadu_ps(panel), high = _mm256_loadu_ps(panel + kLanes);
#pragma GCC unroll 6
    for (size_t r = 0; r < Rows; ++r) {
      const __m256 value = _mm256_broadcast_ss(column + r * a.row_step);
      sums[r][0] = _mm256_fmadd_ps(value, low, sums[r][0]);
      sums[r][1] = _mm256_fmadd_ps(value, high, sums[r][1]);
    }
  }
#pragma GCC unroll 6
  for (size_t r = 0; r < Rows; ++r) {
    float* row = to + r * to_stride;
    if (add) {
      sums[r][0] = _mm256_add_ps(sums[r][0], _mm256_loadu_ps(row));
      sums[r][1] = _mm256_add_ps(sums[r][1], _mm256_loadu_ps(row + kLanes));
    }
    _mm256_storeu_ps(row, sums[r][0]);
    _mm256_storeu_ps(row + kLanes, sums[r][1]);
  }
}

/// to (rows x 16 columns for each panel) = a (rows x depth) times b, or added to it.
void multiply(const Matrix& a, size_t rows, size_t depth, const Panels& b, size_t panel_count,
              bool add, float* to, size_t to_stride) {
  static constexpr decltype(&multiply_rows<1>) kKernels[] = {
      multiply_rows<1>, multiply_rows<2>, multiply_rows<3>,
      multiply_rows<4>, multiply_rows<5>, multiply_rows<kRows>};
  for (size_t p = 0; p < panel_count; ++p) {
    for (size_t i = 0; i < rows; i += kRows) {
      kKernels[least(kRows, rows - i) - 1]({a.at + i * a.row_step, a.row_step, a.column_step},
                                           b.at + p * b.panel_step, depth, add,
                                           to + i * to_stride + p * kPanel, to_stride);
    }
  }
}

/// `rows` x width to width / 16 panels.
Panels pack(const float* from, size_t stride, size_t rows, size_t width, float* to) {
  for (size_t p = 0; p < width / kPanel; ++p) {
    for (size_t r = 0; r < rows; ++r) {
      const float* row = from + r * stride + p * kPanel;
      float* place = to + (p * rows + r) * kPanel;
      _mm256_storeu_ps(place, _mm256_loadu_ps(row));
      _mm256_storeu_ps(place + kLanes, _mm256_loadu_ps(row + kLanes));
    }
  }
  return {to, rows * kPanel};
}

/// The transposed matrix, width x `rows`: panels(rows) of them, filled up with zeros.
Panels pack_transposed(const float* from, size_t stride, size_t rows, size_t width, float* to) {
  for (size_t p = 0; p < panels(rows); ++p) {
    for (size_t lane = 0; lane < kPanel; ++lane) {
      const size_t r = p * kPanel + lane;
      float* place = to + p * width * kPanel + lane;
      for (size_t c = 0; c < width; ++c) place[c * kPanel] = r < rows ? from[r * stride + c] : 0;
    }
  }
  return {to, width * kPanel};
}

/// Scores of a row to exponentials of what they are above the greatest; `factor` is 1 / their sum.
/// Returns the logarithm of the sum.
float soften(float* row, size_t length, float scale, float* factor) {
  const size_t filled = panels(length) * kPanel;
  for (size_t i = length; i < filled; ++i) row[i] = -__builtin_inff();
  __m256 most = _mm256_loadu_ps(row);
  for (size_t i = kLanes; i < filled; i += kLanes)
    most = _mm256_max_ps(most, _mm256_loadu_ps(row + i));
  float lanes[kLanes];
  _mm256_storeu_ps(lanes, most);
  float top = lanes[0];
  for (const float lane : lanes) top = lane > top ? lane : top;
  const __m256 scales = _mm256_set1_ps(scale), shift = _mm256_set1_ps(-top * scale);
  __m256 sums = _mm256_setzero_ps();
  for (size_t i = 0; i < filled; i += kLanes) {
    const __m256 e = exponential(_mm256_fmadd_ps(_mm256_loadu_ps(row + i), scales, shift));
    _mm256_storeu_ps(row + i, e);
    sums = _mm256_add_ps(sums, e);
  }
  const float sum = sum_of(sums);
  *factor = 1 / sum;
  return top * scale + __builtin_logf(sum);
}

void scale_row(float* row, size_t width, float factor) {
  const __m256 factors = _mm256_set1_ps(factor);
  for (size_t i = 0; i < width; i += kLanes)
    _mm256_storeu_ps(row + i, _mm256_mul_ps(_mm256_loadu_ps(row + i), factors));
}

float dot(const float* a, const float* b, size_t width) {
  __m256 sums = _mm256_setzero_ps();
  for (size_t i = 0; i < width; i += kLanes)
    sums = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), sums);
  return sum_of(sums);
}

/// Scores to p, what came back to p to what goes back to the scores.
void soften_back(float* scores, float* gradient, size_t length, float scale, float log_sum,
                 float mean) {
  const __m256 scales = _mm256_set1_ps(scale), shift = _mm256_set1_ps(-log_sum);
  const __m256 means = _mm256_set1_ps(mean);
  for (size_t i = 0; i < panels(length) * kPanel; i += kLanes) {
    const __m256 p = exponential(_mm256_fmadd_ps(_mm256_loadu_ps(scores + i), scales, shift));
    const __m256 difference = _mm256_sub_ps(_mm256_loadu_ps(gradient + i), means);
    _mm256_storeu_ps(scores + i, p);
    _mm256_storeu_ps(gradient + i, _mm256_mul_ps(_mm256_mul_ps(p, difference), scales));
  }
}

}  // namespace

size_t attention_scratch(const AttentionShape& shape) {
  const size_t filled = panels(shape.length) * kPanel * shape.width;
  return 3 * filled + 2 * kBlock * shape.width + 2 * kBlock * score_stride(shape.length);
}

void attention_forward(const AttentionShape& shape, const AttentionInput& input, float* scratch,
                       float* output, float* log_sums) {
  const size_t length = shape.length, width = shape.width, wide = width / kPanel;
  const size_t filled = panels(length) * kPanel * width, row = score_stride(length);
  const Panels keys = pack_transposed(input.k, shape.stride, length, width, scratch);
  const Panels values = pack(input.v, shape.stride, length, width, scratch + filled);
  float* scores = scratch + 2 * filled;
  float factors[kBlock];
  for (size_t first = 0; first < length; first += kBlock) {
    const size_t rows = least(kBlock, length - first);
    float* to = output + first * shape.out_stride;
    multiply({input.q + first * shape.stride, shape.stride, 1}, rows, width, keys, panels(length),
             /*add=*/false, scores, row);
    for (size_t i = 0; i < rows; ++i)
      log_sums[first + i] = soften(scores + i * row, length, shape.scale, &factors[i]);
    multiply({scores, row, 1}, rows, length, values, wide, /*add=*/false, to, shape.out_stride);
    for (size_t i = 0; i < rows; ++i) scale_row(to + i * shape.out_stride, width, factors[i]);
  }
}

void attention_backward(const AttentionShape& shape, const AttentionInput& input,
                        const AttentionOutput& output, float* scratch,
                        const AttentionGradient& gradient) {
  const size_t length = shape.length, width = shape.width, wide = width / kPanel;
  const size_t stride = shape.stride, filled = panels(length) * kPanel * width;
  const size_t row = score_stride(length);
  const Panels keys_across = pack_transposed(input.k, stride, length, width, scratch);
  const Panels values_across = pack_transposed(input.v, stride, length, width, scratch + filled);
  const Panels keys = pack(input.k, stride, length, width, scratch + 2 * filled);
  float* block = scratch + 3 * filled;
  float* scores = block + 2 * kBlock * width;
  float* back = scores + kBlock * row;
  for (size_t first = 0; first < length; first += kBlock) {
    const size_t rows = least(kBlock, length - first);
    const bool add = first > 0;
    const float* q = input.q + first * stride;
    const float* pull = output.gradient + first * shape.out_stride;
    const Panels queries = pack(q, stride, rows, width, block);
    const Panels pulls = pack(pull, shape.out_stride, rows, width, block + kBlock * width);
    multiply({q, stride, 1}, rows, width, keys_across, panels(length), false, scores, row);
    multiply({pull, shape.out_stride, 1}, rows, width, values_across, panels(length), false, back,
             row);
    for (size_t i = 0; i < rows; ++i) {
      const float mean =
          dot(pull + i * shape.out_stride, output.values + (first + i) * shape.out_stride, width);
      soften_back(scores + i * row, back + i * row, length, shape.scale, output.log_sums[first + i],
                  mean);
    }
    multiply({scores, 1, row}, length, rows, pulls, wide, add, gradient.v, stride);
    multiply({back, row, 1}, rows, length, keys, wide, false, gradient.q + first * stride, stride);
    multiply({back, 1, row}, length, rows, queries, wide, add, gradient.k, stride);
  }
}

}  // namespace berth::vision
#endif
