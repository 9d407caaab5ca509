// SPDX-License-Identifier: Apache-2.0
// A classifier on a device: training steps, predictions, weights. The seam between torch and the
// rest of the worker: this header is free of torch, and nothing that torch throws gets past it
// (failed allocations become kOutOfMemory, other exceptions kInternal).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/batch_loader.h"
#include "protocol/result.h"
#include "runtime/process_group.h"
#include "vision/training_options.h"
#include "vision/weights.h"

namespace berth::vision {

/// Of a file of Network::save_training: the task that wrote it, empty when none did. Errors:
/// kIoError, kCheckpointMismatch.
protocol::Result<std::string> training_task(const std::string& path);

class Network {
 public:
  /// Weights are drawn from `seed`. `device` is a torch name; `head_hidden` as in ModelOptions.
  /// Errors: as create_model, and above.
  static protocol::Result<Network> create(const std::string& model, int64_t num_classes,
                                          const std::string& device, uint64_t seed,
                                          std::optional<int64_t> head_hidden = std::nullopt);
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

  /// Needed before what follows.
  protocol::Status prepare_training(const LearnerOptions& options,
                                    std::shared_ptr<runtime::ProcessGroup> group = nullptr);
  /// Everything random from here on follows from the seed and `epoch`.
  protocol::Status begin_epoch(int64_t epoch);
  /// One update from a batch; labels[i] belongs to picture i of it. At most `slice` pictures are in
  /// the model at a time. On a GPU it returns before the work is done. After kOutOfMemory nothing
  /// has changed, and memory that torch kept for later has been given back.
  protocol::Status train_step(const image::Batch& batch, const std::vector<int64_t>& labels,
                              int64_t slice, double learning_rate);
  /// Updates left out because a gradient was not finite (fp16 only).
  int64_t skipped_steps() const;

  /// The training as it stands, so that it can go on in another process as if nothing had happened.
  /// `notes` are kept with it.
  protocol::Status save_training(const std::string& path, const boost::json::object& notes);
  /// Returns the notes. Errors: kIoError, kCheckpointMismatch (of another model, or of other
  /// settings).
  protocol::Result<boost::json::object> load_training(const std::string& path);

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
