// SPDX-License-Identifier: Apache-2.0
#include "vision/layers.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <c10/core/GradMode.h>
#include <torch/nn/init.h>

#include <cmath>

#include "vision/linear.h"

namespace berth::vision {

namespace nn = torch::nn;
using at::Tensor;

void truncated_normal_(Tensor tensor, double std) {
  const c10::NoGradGuard no_grad;
  constexpr double kCut = 2;
  const auto below = [](double x) { return (1 + std::erf(x / std::sqrt(2.0))) / 2; };
  const double low = below(-kCut / std), high = below(kCut / std);
  tensor.uniform_(2 * low - 1, 2 * high - 1);
  tensor.erfinv_().mul_(std * std::sqrt(2.0)).clamp_(-kCut, kCut);
}

Tensor linear(const nn::Linear& layer, const Tensor& x) {
  return linear(x, layer->weight, layer->bias);
}

Mlp::Mlp(int64_t width, int64_t hidden) : first(width, hidden), second(hidden, width) {
  register_module("0", first);
  register_module("3", second);
  for (const auto& layer : {first, second}) {
    nn::init::xavier_uniform_(layer->weight);
    nn::init::normal_(layer->bias, 0.0, 1e-6);
  }
}

Tensor Mlp::forward(const Tensor& x) { return linear(second, at::gelu(linear(first, x))); }

Tensor stochastic_depth(const Tensor& branch, double probability, bool training) {
  if (!training || probability <= 0) return branch;
  const double survival = 1 - probability;
  std::vector<int64_t> shape(static_cast<size_t>(branch.dim()), 1);
  shape[0] = branch.size(0);
  Tensor keep = at::empty(shape, branch.options()).bernoulli_(survival);
  if (survival > 0) keep.div_(survival);
  return branch * keep;
}

}  // namespace berth::vision
