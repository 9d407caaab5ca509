// SPDX-License-Identifier: Apache-2.0
// The update rules. Adam (Kingma and Ba, arXiv 1412.6980) with the usual constants 0.9, 0.999,
// 1e-8; AdamW (Loshchilov and Hutter, arXiv 1711.05101); SGD with momentum as torch.optim has it.
// On the CPU one pass over memory updates a parameter and its moments, several times faster than a
// chain of tensor operations.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "vision/training_options.h"

namespace berth::vision {

class Optimizer {
 public:
  Optimizer(std::vector<at::Tensor> parameters, const OptimizerOptions& options);

  /// One update from the parameters' gradients times `scale`; the gradients are then dropped.
  void step(double learning_rate, double scale = 1);
  /// The norm of all gradients together, as one value on the parameters' device.
  at::Tensor gradient_norm() const;
  void drop_gradients();

  /// What has to be kept to go on later, by name: "first.0", "second.0", ... The tensors are the
  /// optimizer's own.
  std::map<std::string, at::Tensor> moments() const;
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  void adam_step(size_t index, const at::Tensor& gradient, double learning_rate, double scale);
  void sgd_step(size_t index, const at::Tensor& gradient, double learning_rate, double scale);

  OptimizerOptions options_;
  std::vector<at::Tensor> parameters_, first_, second_;  // SGD: first_ is the momentum
  int64_t steps_ = 0;
};

}  // namespace berth::vision
