// SPDX-License-Identifier: Apache-2.0
#include "vision/adam.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace berth::vision {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
constexpr int64_t kGrain = 16384;  // elements per thread, below which a second one costs more

struct Factors {
  double step_size;   ///< learning rate / (1 - beta1^t)
  double correction;  ///< 1 / sqrt(1 - beta2^t)
};

void update_on_cpu(float* value, const float* gradient, float* first, float* second, int64_t count,
                   const Factors& factors) {
  const float step = static_cast<float>(factors.step_size);
  const float correction = static_cast<float>(factors.correction);
  const float beta1 = kBeta1, beta2 = kBeta2, epsilon = kEpsilon;
  at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float g = gradient[i];
      first[i] = beta1 * first[i] + (1 - beta1) * g;
      second[i] = beta2 * second[i] + (1 - beta2) * g * g;
      value[i] -= step * first[i] / (std::sqrt(second[i]) * correction + epsilon);
    }
  });
}

void update_by_operations(const at::Tensor& value, const at::Tensor& gradient,
                          const at::Tensor& first, const at::Tensor& second,
                          const Factors& factors) {
  first.mul_(kBeta1).add_(gradient, 1 - kBeta1);
  second.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  const at::Tensor denominator = second.sqrt().mul_(factors.correction).add_(kEpsilon);
  value.addcdiv_(first, denominator, -factors.step_size);
}

}  // namespace

Adam::Adam(std::vector<at::Tensor> parameters, double learning_rate)
    : parameters_(std::move(parameters)), learning_rate_(learning_rate) {
  for (const at::Tensor& parameter : parameters_) {
    first_.push_back(at::zeros_like(parameter.detach()));
    second_.push_back(at::zeros_like(parameter.detach()));
  }
}

void Adam::step() {
  const c10::NoGradGuard no_grad;
  ++steps_;
  const double t = static_cast<double>(steps_);
  const Factors factors{learning_rate_ / (1 - std::pow(kBeta1, t)),
                        1 / std::sqrt(1 - std::pow(kBeta2, t))};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& value = parameters_[i];
    at::Tensor gradient = value.grad();
    if (!gradient.defined()) continue;
    const bool plain = value.is_cpu() && value.scalar_type() == at::kFloat &&
                       value.is_non_overlapping_and_dense() &&
                       first_[i].strides() == value.strides();
    if (plain) {
      // The loop walks memory, so the gradient must be laid out as the parameter is.
      if (gradient.strides() != value.strides() || !gradient.is_non_overlapping_and_dense()) {
        gradient = at::empty_like(value).copy_(gradient);
      }
      update_on_cpu(value.data_ptr<float>(), gradient.data_ptr<float>(),
                    first_[i].data_ptr<float>(), second_[i].data_ptr<float>(), value.numel(),
                    factors);
    } else {
      update_by_operations(value, gradient, first_[i], second_[i], factors);
    }
    parameters_[i].mutable_grad().reset();
  }
}

}  // namespace berth::vision
