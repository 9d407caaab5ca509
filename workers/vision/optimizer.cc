// SPDX-License-Identifier: Apache-2.0
#include "vision/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace berth::vision {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
constexpr int64_t kGrain = 16384;  // elements per thread, below which a second one costs more

struct AdamFactors {
  double step_size;   ///< learning rate / (1 - beta1^t)
  double correction;  ///< 1 / sqrt(1 - beta2^t)
  double scale;       ///< of the gradient
  double decay;       ///< of the weights, added to the gradient
  double shrink;      ///< the weights are first multiplied by this
};

void adam_on_cpu(float* value, const float* gradient, float* first, float* second, int64_t count,
                 const AdamFactors& factors) {
  const float step = static_cast<float>(factors.step_size);
  const float correction = static_cast<float>(factors.correction);
  const float scale = static_cast<float>(factors.scale), decay = static_cast<float>(factors.decay);
  const float shrink = static_cast<float>(factors.shrink);
  const float beta1 = kBeta1, beta2 = kBeta2, epsilon = kEpsilon;
  at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float g = scale * gradient[i] + decay * value[i];
      first[i] = beta1 * first[i] + (1 - beta1) * g;
      second[i] = beta2 * second[i] + (1 - beta2) * g * g;
      value[i] =
          shrink * value[i] - step * first[i] / (std::sqrt(second[i]) * correction + epsilon);
    }
  });
}

void adam_by_operations(const at::Tensor& value, at::Tensor gradient, const at::Tensor& first,
                        const at::Tensor& second, const AdamFactors& factors) {
  if (factors.scale != 1) gradient = gradient.mul(factors.scale);
  if (factors.decay != 0) gradient = gradient.add(value, factors.decay);
  if (factors.shrink != 1) value.mul_(factors.shrink);
  first.mul_(kBeta1).add_(gradient, 1 - kBeta1);
  second.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  const at::Tensor denominator = second.sqrt().mul_(factors.correction).add_(kEpsilon);
  value.addcdiv_(first, denominator, -factors.step_size);
}

}  // namespace

Optimizer::Optimizer(std::vector<at::Tensor> parameters, const OptimizerOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  for (const at::Tensor& parameter : parameters_) {
    first_.push_back(at::zeros_like(parameter.detach()));
    if (options_.kind != OptimizerKind::kSgd) second_.push_back(at::zeros_like(parameter.detach()));
  }
}

void Optimizer::step(double learning_rate, double scale) {
  const c10::NoGradGuard no_grad;
  ++steps_;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    if (options_.kind == OptimizerKind::kSgd) {
      sgd_step(i, gradient, learning_rate, scale);
    } else {
      adam_step(i, gradient, learning_rate, scale);
    }
    parameters_[i].mutable_grad().reset();
  }
}

void Optimizer::adam_step(size_t index, const at::Tensor& gradient, double learning_rate,
                          double scale) {
  const double t = static_cast<double>(steps_);
  const bool decoupled = options_.kind == OptimizerKind::kAdamW;
  const AdamFactors factors{learning_rate / (1 - std::pow(kBeta1, t)),
                            1 / std::sqrt(1 - std::pow(kBeta2, t)), scale,
                            decoupled ? 0 : options_.weight_decay,
                            decoupled ? 1 - learning_rate * options_.weight_decay : 1};
  const at::Tensor &value = parameters_[index], &first = first_[index], &second = second_[index];
  const bool plain = value.is_cpu() && value.scalar_type() == at::kFloat &&
                     value.is_non_overlapping_and_dense() && first.strides() == value.strides();
  if (!plain) return adam_by_operations(value, gradient, first, second, factors);
  // The loop walks memory, so the gradient must be laid out as the parameter is.
  at::Tensor aligned = gradient;
  if (gradient.strides() != value.strides() || !gradient.is_non_overlapping_and_dense()) {
    aligned = at::empty_like(value).copy_(gradient);
  }
  adam_on_cpu(value.data_ptr<float>(), aligned.data_ptr<float>(), first.data_ptr<float>(),
              second.data_ptr<float>(), value.numel(), factors);
}

void Optimizer::sgd_step(size_t index, const at::Tensor& gradient, double learning_rate,
                         double scale) {
  const at::Tensor &value = parameters_[index], &momentum = first_[index];
  at::Tensor g = scale == 1 ? gradient : gradient.mul(scale);
  if (options_.weight_decay != 0) g = g.add(value, options_.weight_decay);
  if (options_.momentum == 0) {
    value.add_(g, -learning_rate);
    return;
  }
  momentum.mul_(options_.momentum).add_(g);
  value.add_(options_.nesterov ? g.add(momentum, options_.momentum) : momentum, -learning_rate);
}

at::Tensor Optimizer::gradient_norm() const {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> norms;
  for (const at::Tensor& parameter : parameters_) {
    if (parameter.grad().defined()) norms.push_back(parameter.grad().norm());
  }
  return norms.empty() ? at::zeros({}) : at::stack(norms).norm();
}

void Optimizer::drop_gradients() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

std::map<std::string, at::Tensor> Optimizer::moments() const {
  std::map<std::string, at::Tensor> all;
  for (size_t i = 0; i < first_.size(); ++i) all["first." + std::to_string(i)] = first_[i];
  for (size_t i = 0; i < second_.size(); ++i) all["second." + std::to_string(i)] = second_[i];
  return all;
}

}  // namespace berth::vision
