// SPDX-License-Identifier: Apache-2.0
// A running average of a model's weights (Polyak averaging). Single training steps throw the
// weights about, and with small data sets the validation accuracy with them; the average is
// steadier and generalises better. It is the average that is validated and saved.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::vision {

class WeightAverage {
 public:
  /// `tensors`: parameters and buffers. Floating-point ones are averaged, others copied.
  /// `decay`: what each step leaves of the average (0 to below 1), less at the start; absent: the
  /// rule below.
  explicit WeightAverage(std::vector<at::Tensor> tensors, std::optional<double> decay = {});

  /// To be called after every training step. Takes note of the first 64 steps and then of every
  /// fourth, reaching back some forty steps; less at the start, so that the first random weights
  /// are soon forgotten.
  void after_step();

  /// Exchanges the model's weights and the average. Call it twice to be back where you were.
  void exchange();

  /// What has to be kept to go on later, by name: "average.0", ... The tensors are the average's
  /// own.
  std::map<std::string, at::Tensor> tensors() const;
  int64_t steps() const { return steps_; }
  int64_t updates() const { return updates_; }
  void set_counts(int64_t steps, int64_t updates) {
    steps_ = steps;
    updates_ = updates;
  }

 private:
  std::vector<at::Tensor> tensors_, average_;
  std::optional<double> decay_;
  int64_t steps_ = 0, updates_ = 0;
};

}  // namespace berth::vision
