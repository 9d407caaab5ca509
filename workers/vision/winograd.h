// SPDX-License-Identifier: Apache-2.0
// A convolution layer that on the CPU takes half the time where winograd_kernel.h can do it, in
// training, too. Results differ from the direct ones by rounding only, and do not depend on the
// number of threads.
#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

namespace berth::vision {

/// nn::Conv2d, parameters and all, without a bias and padded by half its size.
class ConvolutionImpl : public torch::nn::Conv2dImpl {
 public:
  ConvolutionImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride);
  at::Tensor forward(const at::Tensor& x);

 private:
  bool suits_winograd(const at::Tensor& x) const;

  // Of the weights as they were, for when they do not change.
  at::Tensor transformed_;
  const void* place_ = nullptr;
  uint32_t version_ = 0;
};
TORCH_MODULE(Convolution);

/// Whether this processor can, and such numbers of channels.
bool has_winograd(int64_t in, int64_t out);

/// `x`: N x C x H x W floats on the CPU. `weight`: K x C x 3 x 3. Stride 1, padded by 1. With
/// gradients for both. `transformed`: of the weight, or undefined.
at::Tensor winograd_convolution(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& transformed = {});
/// What winograd_convolution makes of a weight first.
at::Tensor winograd_transform(const at::Tensor& weight);

}  // namespace berth::vision
