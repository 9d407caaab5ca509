// SPDX-License-Identifier: Apache-2.0
#include "vision/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "runtime/torch_compat.h"
#include "vision/winograd_kernel.h"

namespace berth::vision {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

constexpr int64_t kLeastTiles = 48;  // below, reading the larger weights is what takes the time

/// The widest that this processor has and that suits the numbers of channels; none: nullptr.
const WinogradKernel* kernel_for(int64_t in, int64_t out) {
  const auto suits = [&](const WinogradKernel& kernel) {
    return in % static_cast<int64_t>(kernel.in_step) == 0 &&
           out % static_cast<int64_t>(kernel.out_step) == 0;
  };
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx512f");
  static const bool narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (wide && suits(kWinogradAvx512)) return &kWinogradAvx512;
  if (narrow && suits(kWinogradAvx2)) return &kWinogradAvx2;
#endif
  (void)suits;
  return nullptr;
}

/// `weight`: 3 x 3 x in x out, contiguous.
Tensor transform(const Tensor& weight) {
  const auto in = static_cast<size_t>(weight.size(2)),
             channels = static_cast<size_t>(weight.size(3));
  Tensor out =
      at::empty({static_cast<int64_t>(winograd_weight_size(in, channels))}, weight.options());
  const WinogradKernel& kernel = *kernel_for(weight.size(2), weight.size(3));
  const float* from = weight.data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, weight.size(2), /*grain_size=*/8, [&](int64_t first, int64_t end) {
    kernel.weights(from, in, channels, static_cast<size_t>(first), static_cast<size_t>(end), to);
  });
  return out;
}

}  // namespace

Tensor winograd_convolution(const Tensor& pictures, const Tensor& transformed, int64_t out) {
  const Tensor x = pictures.contiguous(at::MemoryFormat::ChannelsLast);
  Tensor y = at::empty({x.size(0), out, x.size(2), x.size(3)},
                       x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const WinogradKernel& kernel = *kernel_for(x.size(1), out);
  const WinogradShape shape{static_cast<size_t>(x.size(0)), static_cast<size_t>(x.size(2)),
                            static_cast<size_t>(x.size(3)), static_cast<size_t>(x.size(1)),
                            static_cast<size_t>(out)};
  const size_t tiles = shape.tiles();
  const auto threads = static_cast<size_t>(std::max(1, at::get_num_threads()));
  const size_t block =
      std::min(kernel.block(shape), std::max<size_t>(6, (tiles + threads - 1) / threads));
  const float* from = x.data_ptr<float>();
  const float* weights = transformed.data_ptr<float>();
  float* to = y.data_ptr<float>();
  const auto blocks = static_cast<int64_t>((tiles + block - 1) / block);
  at::parallel_for(0, blocks, /*grain_size=*/1, [&](int64_t first, int64_t end) {
    std::vector<float> scratch(kernel.scratch(shape, block));
    for (int64_t i = first; i < end; ++i) {
      const size_t begin = static_cast<size_t>(i) * block;
      kernel.tiles(shape, from, weights, begin, std::min(tiles, begin + block), scratch.data(), to);
    }
  });
  return y;
}

namespace {

class TrainingConvolution : public torch::autograd::Function<TrainingConvolution> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight) {
    context->save_for_backward({x, weight});
    return at::conv2d(x, weight, {}, /*stride=*/1, /*padding=*/1);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    Tensor to_x, to_weight;
    // The same kind of convolution, with the filter turned round and in and out exchanged.
    if (context->needs_input_grad(0)) {
      const Tensor turned = weight.flip({2, 3}).permute({2, 3, 0, 1}).contiguous();
      to_x = winograd_convolution(gradient, transform(turned), weight.size(1));
    }
    if (context->needs_input_grad(1)) {
      to_weight = std::get<1>(at::convolution_backward(
          gradient, x, weight, at::OptionalIntArrayRef(), {1, 1}, {1, 1}, {1, 1},
          /*transposed=*/false, {0, 0}, /*groups=*/1, {false, true, false}));
    }
    return {to_x, to_weight};
  }
};

}  // namespace

bool has_winograd(int64_t in, int64_t out) { return kernel_for(in, out) != nullptr; }

Tensor winograd_transform(const Tensor& weight) {
  return transform(weight.detach().permute({2, 3, 1, 0}).contiguous());
}

Tensor training_convolution(const Tensor& x, const Tensor& weight) {
  return TrainingConvolution::apply(x, weight);
}

ConvolutionImpl::ConvolutionImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride)
    : torch::nn::Conv2dImpl(torch::nn::Conv2dOptions(in, out, kernel)
                                .stride(stride)
                                .padding(kernel / 2)
                                .bias(false)) {}

bool ConvolutionImpl::suits_winograd(const Tensor& x) const {
  const bool small = (*options.kernel_size())[0] == 3 && (*options.stride())[0] == 1;
  return small && has_winograd(options.in_channels(), options.out_channels()) && x.is_cpu() &&
         x.scalar_type() == at::kFloat && x.dim() == 4 && !runtime::autocast_on(x.device()) &&
         x.size(0) * ((x.size(2) + 1) / 2) * ((x.size(3) + 1) / 2) >= kLeastTiles;
}

Tensor ConvolutionImpl::forward(const Tensor& x) {
  // In training the weights change, and an optimizer that writes to them does not tell torch.
  if (c10::GradMode::is_enabled()) transformed_.reset();
  if (!suits_winograd(x)) return torch::nn::Conv2dImpl::forward(x);
  if (c10::GradMode::is_enabled()) return training_convolution(x, weight);
  const uint32_t version = weight._version();
  if (!transformed_.defined() || version != version_ || weight.data_ptr() != place_) {
    transformed_ = winograd_transform(weight);
    place_ = weight.data_ptr();
    version_ = version;
  }
  return winograd_convolution(x, transformed_, options.out_channels());
}

}  // namespace berth::vision
