// SPDX-License-Identifier: Apache-2.0
// A convolution layer that on the CPU takes half the time where winograd_kernel.h can do it: in
// inference, and in the backward pass for what goes to the input. In training the forward pass is
// torch's own: rounding that differs turns some ReLUs of values next to zero on or off, and the
// gradients of a deep network with them by up to a percent, so that nothing could be compared.
// Results do not depend on the number of threads.
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

/// Stride 1, padded by 1; without gradients. `x`: N x C x H x W floats on the CPU. `transformed`:
/// winograd_transform of a weight for `out` channels.
at::Tensor winograd_convolution(const at::Tensor& x, const at::Tensor& transformed, int64_t out);
/// `weight`: K x C x 3 x 3.
at::Tensor winograd_transform(const at::Tensor& weight);
/// The same convolution forward as torch does it, and backward to the input by Winograd's.
at::Tensor training_convolution(const at::Tensor& x, const at::Tensor& weight);

}  // namespace berth::vision
