// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma and Ba, arXiv 1412.6980) with the usual constants 0.9, 0.999, 1e-8 and no decay. On
// the CPU one pass over memory updates a parameter and both moments, several times faster than a
// chain of tensor operations.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace berth::vision {

class Adam {
 public:
  Adam(std::vector<at::Tensor> parameters, double learning_rate);

  /// One update from the parameters' gradients, which are then dropped.
  void step();

 private:
  std::vector<at::Tensor> parameters_, first_, second_;
  double learning_rate_;
  int64_t steps_ = 0;
};

}  // namespace berth::vision
