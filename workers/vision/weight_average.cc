// SPDX-License-Identifier: Apache-2.0
#include "vision/weight_average.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

namespace berth::vision {
namespace {

constexpr int64_t kPeriod = 4;       // Steps per update: each costs a pass over all weights.
constexpr int64_t kEverySteps = 64;  // Up to here every step counts: small sets have few.
constexpr double kMostDecay = 0.9;

}  // namespace

WeightAverage::WeightAverage(std::vector<at::Tensor> tensors, std::optional<double> decay)
    : tensors_(std::move(tensors)), decay_(decay) {
  const c10::NoGradGuard no_grad;
  for (const at::Tensor& tensor : tensors_) average_.push_back(tensor.detach().clone());
}

void WeightAverage::after_step() {
  if (++steps_ > kEverySteps && steps_ % kPeriod != 0 && !decay_) return;
  const c10::NoGradGuard no_grad;
  ++updates_;
  const double updates = static_cast<double>(updates_);
  const double decay = std::min(decay_.value_or(kMostDecay), updates / (9 + updates));
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (average_[i].is_floating_point()) {
      average_[i].lerp_(tensors_[i].detach(), 1 - decay);
    } else {
      average_[i].copy_(tensors_[i]);
    }
  }
}

void WeightAverage::exchange() {
  const c10::NoGradGuard no_grad;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    at::Tensor current = tensors_[i].detach();
    // detach() shares the tensor's storage but not its identity, so it keeps what set_data
    // replaces.
    tensors_[i].set_data(average_[i]);
    average_[i] = std::move(current);
  }
}

std::map<std::string, at::Tensor> WeightAverage::tensors() const {
  std::map<std::string, at::Tensor> all;
  for (size_t i = 0; i < average_.size(); ++i) all["average." + std::to_string(i)] = average_[i];
  return all;
}

}  // namespace berth::vision
