// SPDX-License-Identifier: Apache-2.0
// A model that learns: forward, loss, backward, update, with everything of LearnerOptions. Throws
// what torch throws; network.h is the fence.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vision/classifier.h"
#include "vision/gradient_sync.h"
#include "vision/optimizer.h"
#include "vision/training_options.h"
#include "vision/weight_average.h"

namespace berth::vision {

class Learner {
 public:
  /// Pictures [first, first + count) of the step's batch as N x 3 x S x S floats on the device.
  using Pictures = std::function<at::Tensor(int64_t first, int64_t count)>;

  /// `group`: the other processes that learn the same model; null: none. All start from rank 0's
  /// weights.
  Learner(std::shared_ptr<Classifier> model, c10::Device device, LearnerOptions options,
          std::shared_ptr<runtime::ProcessGroup> group = nullptr);

  /// Everything random from here on follows from the seed and `epoch`.
  void begin_epoch(int64_t epoch);

  /// One update from `labels.size()` pictures, which go through the model at most `slice` at a
  /// time: the gradient is that of all of them (batch normalisation sees its slice only). When it
  /// throws nothing was updated. On a GPU it returns before the work is done. In a group each
  /// process brings its own pictures, possibly none, and all make the same update.
  void step(const Pictures& pictures, const std::vector<int64_t>& labels, int64_t slice,
            double learning_rate);

  TrainingTotals totals() const;
  void reset_totals();
  /// Updates left out because a gradient was not finite (fp16 only).
  int64_t skipped_steps() const { return skipped_; }

  /// As WeightAverage::exchange; nothing without an average. In a group the statistics of batch
  /// normalisation become the mean of all processes'.
  void exchange_average();

  /// What has to be kept to go on later, beside the model's own tensors; the tensors are shared.
  std::map<std::string, at::Tensor> tensors() const;
  boost::json::object counts() const;
  /// The counts of an earlier learner; its tensors are copied into tensors() by the caller.
  void restore(const boost::json::object& counts);

 private:
  void backward(const Pictures& pictures, const at::Tensor& targets, int64_t slice,
                const at::Tensor& weight, at::Tensor* loss, at::Tensor* correct);
  at::Tensor weight_of(const at::Tensor& targets) const;
  void share_buffers();
  void update(double learning_rate);
  at::Tensor loss_of(const at::Tensor& scores, const at::Tensor& targets) const;

  std::shared_ptr<Classifier> model_;
  c10::Device device_;
  LearnerOptions options_;
  Optimizer optimizer_;
  std::optional<WeightAverage> average_;
  std::shared_ptr<runtime::ProcessGroup> group_;
  std::unique_ptr<GradientSync> sync_;
  at::Tensor class_weights_;
  at::Generator generator_;
  double loss_scale_ = 1;  // fp16: small gradients would vanish
  int64_t good_steps_ = 0, skipped_ = 0;
  at::Tensor loss_sum_, weight_sum_,
      correct_;  // scalars on the device, so that adding up never waits for it
  int64_t samples_ = 0;
};

}  // namespace berth::vision
