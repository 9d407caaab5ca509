// SPDX-License-Identifier: Apache-2.0
// What several families of classifiers are made of, with torchvision's names.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

namespace berth::vision {

/// Normal with mean 0, cut off at -2 and 2 (by the inverse of the distribution function), as
/// torch.nn.init.trunc_normal_ draws it.
void truncated_normal_(at::Tensor tensor, double std);

/// What the layer gives, by vision/linear.h.
at::Tensor linear(const torch::nn::Linear& layer, const at::Tensor& x);

/// The two linear layers "0" and "3" of a transformer's block, with an exact GELU between them.
struct Mlp final : torch::nn::Module {
  torch::nn::Linear first, second;

  Mlp(int64_t width, int64_t hidden);
  at::Tensor forward(const at::Tensor& x);
};

/// In training, whole samples of a residual branch are dropped with this probability and the others
/// scaled up (Huang et al., "Deep Networks with Stochastic Depth", arXiv 1603.09382).
at::Tensor stochastic_depth(const at::Tensor& branch, double probability, bool training);

}  // namespace berth::vision
