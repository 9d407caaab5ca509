// SPDX-License-Identifier: Apache-2.0
// A running average of a model's weights (Polyak averaging). Single training steps throw the
// weights about, and with small data sets the validation accuracy with them; the average is
// steadier and generalises better. It is the average that is validated and saved.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace berth::vision {

class WeightAverage {
 public:
  /// `tensors`: parameters and buffers. Floating-point ones are averaged, others copied.
  explicit WeightAverage(std::vector<at::Tensor> tensors);

  /// To be called after every training step. Takes note of the first 64 steps and then of every
  /// fourth, reaching back some forty steps; less at the start, so that the first random weights
  /// are soon forgotten.
  void after_step();

  /// Exchanges the model's weights and the average. Call it twice to be back where you were.
  void exchange();

 private:
  std::vector<at::Tensor> tensors_, average_;
  int64_t steps_ = 0, updates_ = 0;
};

}  // namespace berth::vision
