// SPDX-License-Identifier: Apache-2.0
// The attention of a vision transformer, on the CPU without copies of q, k and v and without a
// product per head that all threads share (attention_kernel.h). Results do not depend on the number
// of threads.
#pragma once

#include <ATen/core/Tensor.h>

namespace berth::vision {

/// softmax(q k' / sqrt(width / heads)) v per head. `qkv`: N x length x (3 width), queries, keys and
/// values one after the other, each head after head. Returns N x length x width.
at::Tensor self_attention(const at::Tensor& qkv, int64_t heads);

/// The same of torch's own operations, on any device and with any kind of number.
at::Tensor self_attention_by_operations(const at::Tensor& qkv, int64_t heads);

/// Whether this processor can, and such a width of a head.
bool has_attention_kernel(int64_t head_width);

}  // namespace berth::vision
