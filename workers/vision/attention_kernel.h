// SPDX-License-Identifier: Apache-2.0
// softmax(q k' / sqrt(width)) v of one head on the CPU, and its way back, without a length x length
// matrix in memory: blocks of rows stay in the cache and are computed again on the way back from
// the logarithm of each row's sum (Dao et al., "FlashAttention", arXiv 2205.14135). Compiled for
// x86-64 with AVX2 and FMA; this header pulls in nothing with inline code, because what the AVX2
// file compiles must not be linked into the rest.
#pragma once

#include <cstddef>

namespace berth::vision {

struct AttentionShape {
  size_t length;      ///< positions
  size_t width;       ///< of a head: a multiple of 16
  size_t stride;      ///< floats from a position of q, k, v or of their gradients to the next
  size_t out_stride;  ///< the same of the output and of its gradient
  float scale;        ///< of q k'
};

/// Of one head: `length` rows of `width` floats each.
struct AttentionInput {
  const float *q, *k, *v;
};
struct AttentionGradient {
  float *q, *k, *v;
};
struct AttentionOutput {
  const float* values;
  const float* log_sums;  ///< per row: the logarithm of the sum of exponentials
  const float* gradient;
};

/// Floats of scratch memory that both need.
size_t attention_scratch(const AttentionShape& shape);

void attention_forward(const AttentionShape& shape, const AttentionInput& input, float* scratch,
                       float* output, float* log_sums);
void attention_backward(const AttentionShape& shape, const AttentionInput& input,
                        const AttentionOutput& output, float* scratch,
                        const AttentionGradient& gradient);

}  // namespace berth::vision
