// SPDX-License-Identifier: Apache-2.0
// What a training leaves in its folder:
//   best_model, last_model    weights, with a .json sidecar each
//   <Class>_epoch_<n>         weights of every so many epochs, on request
//   config.yaml               the originals' settings
//   history.json              the metrics of every epoch; learning_curves.png shows them
//   metrics.json              of the best epoch: metrics, a row per class, the confusion matrix,
//                             which confusion_matrix.png shows
//   training_state            where to go on; gone when the training is complete
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "vision/metrics.h"
#include "vision/model_card.h"
#include "vision/network.h"
#include "vision/train_spec.h"

namespace berth::vision {

class TrainingOutput {
 public:
  TrainingOutput(const TrainSpec& spec, ModelCard card, protocol::EventWriter* events);

  /// Checks that there is room for `weight_bytes` and writes config.yaml. Errors: kNoSpace with
  /// what is needed and what is free, kIoError.
  protocol::Status begin(uint64_t weight_bytes, const std::string& device, int64_t batch_size);

  /// The weights that the network has at the moment, after an epoch with these metrics.
  protocol::Status save_epoch(Network* network, int64_t epoch, bool better,
                              const boost::json::object& metrics,
                              const ClassificationMetrics& validated);

  /// Where to go on after a kill: the training's counts and the history.
  protocol::Status save_state(Network* network, boost::json::object notes);
  /// Nothing when there is no state, or one of another task that nobody asked to go on with; else
  /// the notes of save_state(), and the network is as it was. Errors: kIoError,
  /// kCheckpointMismatch.
  protocol::Result<std::optional<boost::json::object>> resume(Network* network);
  /// The training is over: its state goes, and the history says so.
  void end();
  /// Whether the folder is of a training that came to its end.
  bool has_ended() const;

  std::string best_weights() const { return main_path("best_model"); }
  std::string last_weights() const { return main_path("last_model"); }
  std::string path_of(const std::string& name) const { return spec_.save_path + "/" + name; }
  const boost::json::array& history() const { return history_; }

 private:
  std::string main_path(const std::string& stem) const;
  std::vector<std::string> paths_of(const std::string& stem) const;
  protocol::Status save(Network* network, const std::string& stem, int64_t epoch,
                        const boost::json::object& metrics);
  protocol::Status save_numbered(Network* network, int64_t epoch,
                                 const boost::json::object& metrics);
  protocol::Status write_history() const;
  protocol::Status write_report(const boost::json::object& metrics,
                                const ClassificationMetrics& validated) const;
  boost::json::object identity() const;

  const TrainSpec& spec_;
  ModelCard card_;
  protocol::EventWriter& events_;
  boost::json::array history_;
  bool ended_ = false;
  std::vector<std::string> numbered_;  // stems, the oldest first
};

}  // namespace berth::vision
