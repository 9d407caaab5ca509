// SPDX-License-Identifier: Apache-2.0
// A classifier on a device: training steps, predictions, weights. The seam between torch and the
// rest of the worker: this header is free of torch, and nothing that torch throws gets past it
// (failed allocations become kOutOfMemory, other exceptions kInternal).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "image/batch_loader.h"
#include "protocol/result.h"
#include "vision/weights.h"

namespace berth::vision {

/// Sums over the training steps since the last take_totals().
struct TrainingTotals {
  double loss_sum =
      0;  ///< per sample, so loss_sum / samples is the mean; NaN or infinite: diverged
  int64_t correct = 0;
  int64_t samples = 0;
};

class Network {
 public:
  /// Weights are drawn from `seed`. `device` is a torch name. Errors: as create_model, and above.
  static protocol::Result<Network> create(const std::string& model, int64_t num_classes,
                                          const std::string& device, uint64_t seed);
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) = delete;

  /// As load_weights; true if the head was left out.
  protocol::Result<bool> load(const std::string& path, HeadRule rule);
  protocol::Status save(const std::string& path,
                        const std::map<std::string, std::string>& metadata);
  /// Trainable values, and bytes that save() writes, roughly.
  int64_t parameter_count() const;
  uint64_t weight_bytes() const;

  /// Prepares an Adam optimiser and an average of the weights; needed before train_step().
  protocol::Status prepare_training(double learning_rate);
  /// One step on a batch; labels[i] belongs to picture i of the batch. On a GPU it returns before
  /// the work is done.
  protocol::Status train_step(const image::Batch& batch, const std::vector<int64_t>& labels);
  /// What train_step() added up so far in this epoch; waits for the device.
  protocol::Result<TrainingTotals> totals();
  void reset_totals();

  /// Exchanges the weights that are trained with their average (weight_average.h), which is what
  /// should be validated and saved. Call it again before training goes on.
  protocol::Status exchange_average();

  /// Class scores (logits), pictures x classes, in evaluation mode.
  protocol::Result<std::vector<float>> predict(const image::Batch& batch);

 private:
  struct State;
  explicit Network(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace berth::vision
