// SPDX-License-Identifier: Apache-2.0
// The linear layers of transformers on the CPU, by oneDNN's matrix products where torch has them
// from OpenBLAS: on one core they are a tenth faster there (Zen 4: 105 against 97 GFLOP/s), and the
// threads of OpenBLAS, which are not OpenMP's, do not wait beside the other operations' threads.
#pragma once

#include <ATen/core/Tensor.h>

namespace berth::vision {

/// x weight' + bias, as at::linear has it. `x`: ... x inputs, `weight`: outputs x inputs, `bias`:
/// outputs, or undefined.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// Whether oneDNN's products are there and the better ones.
bool has_linear_kernel();

}  // namespace berth::vision
