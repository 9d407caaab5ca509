// SPDX-License-Identifier: Apache-2.0
#include "vision/training_output.h"

#include <unistd.h>

#include <boost/json/parse.hpp>
#include <cstdlib>

#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "vision/charts.h"
#include "vision/class_rows.h"
#include "vision/model_names.h"

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Level;
using protocol::Result;
using protocol::Status;

constexpr const char* kState = "training_state.safetensors";

std::string task_id() {
  const char* id = std::getenv("BERTH_TASK_ID");
  return id == nullptr ? "" : id;
}

}  // namespace

TrainingOutput::TrainingOutput(const TrainSpec& spec, ModelCard card, protocol::EventWriter* events)
    : spec_(spec), card_(std::move(card)), events_(*events) {}

std::string TrainingOutput::main_path(const std::string& stem) const {
  return paths_of(stem).front();
}

std::vector<std::string> TrainingOutput::paths_of(const std::string& stem) const {
  std::vector<std::string> paths;
  if (spec_.weight_format != WeightFormat::kTorch) paths.push_back(path_of(stem + ".safetensors"));
  if (spec_.weight_format != WeightFormat::kSafetensors) paths.push_back(path_of(stem + ".pth"));
  return paths;
}

Status TrainingOutput::begin(uint64_t weight_bytes, const std::string& device, int64_t batch_size) {
  // Better to say so now than after the first epoch.
  const uint64_t free = protocol::free_bytes(spec_.save_path);
  if (free > 0 && free < weight_bytes) {
    return failed(ErrorCode::kNoSpace,
                  "no space for a checkpoint: " + best_weights() + " takes " +
                      std::to_string(weight_bytes) + " bytes and " + std::to_string(free) +
                      " are free: free some space or choose another save_path",
                  best_weights());
  }
  const TrainingConfig config{spec_.train_path,
                              spec_.val_path,
                              spec_.save_path,
                              spec_.weight_path,
                              device,
                              batch_size,
                              spec_.num_epochs,
                              spec_.shuffle,
                              spec_.schedule.learning_rate,
                              optimizer_name(spec_.learner.optimizer.kind)};
  return write_config(config, card_);
}

Status TrainingOutput::save_epoch(Network* network, int64_t epoch, bool better,
                                  const boost::json::object& metrics,
                                  const ClassificationMetrics& validated) {
  history_.push_back(metrics);
  if (better) {
    if (auto saved = save(network, "best_model", epoch, metrics); !saved) return saved;
    if (auto written = write_report(metrics, validated); !written) return written;
  }
  if (auto saved = save(network, "last_model", epoch, metrics); !saved) return saved;
  if (spec_.save_every > 0 && epoch % spec_.save_every == 0) {
    if (auto saved = save_numbered(network, epoch, metrics); !saved) return saved;
  }
  return write_history();
}

Status TrainingOutput::save(Network* network, const std::string& stem, int64_t epoch,
                            const boost::json::object& metrics) {
  card_.epoch = static_cast<int>(epoch);
  for (const std::string& path : paths_of(stem)) {
    // The old sidecar goes first: a kill between the two files must not leave one that describes
    // other weights (the weights also carry the card in their own metadata).
    ::unlink(sidecar_path(path).c_str());
    if (auto saved = network->save(path, card_metadata(card_)); !saved) return saved;
    if (auto written = write_sidecar(path, card_, metrics); !written) return written;
    events_.checkpoint(path);
    events_.log(Level::kInfo, "Model saved: " + path, "epoch_end",
                {{"epoch", epoch}, {"total_epochs", spec_.num_epochs}});
  }
  return {};
}

Status TrainingOutput::save_numbered(Network* network, int64_t epoch,
                                     const boost::json::object& metrics) {
  const std::string stem = model_class(spec_.model) + "_epoch_" + std::to_string(epoch);
  if (auto saved = save(network, stem, epoch, metrics); !saved) return saved;
  numbered_.push_back(stem);
  while (spec_.keep_checkpoints > 0 &&
         numbered_.size() > static_cast<size_t>(spec_.keep_checkpoints)) {
    for (const std::string& path : paths_of(numbered_.front())) {
      ::unlink(path.c_str());
      ::unlink(sidecar_path(path).c_str());
    }
    numbered_.erase(numbered_.begin());
  }
  return {};
}

Status TrainingOutput::write_history() const {
  const boost::json::object all{
      {"task_id", task_id()}, {"model", spec_.model}, {"epochs", history_}, {"ended", ended_}};
  const auto written = protocol::write_file(
      path_of("history.json"), protocol::json_text(all) + "\n", protocol::Durability::kRenamed);
  if (!written) return written;
  return write_chart(draw_learning_curves(history_), path_of("learning_curves.png"));
}

Status TrainingOutput::write_report(const boost::json::object& metrics,
                                    const ClassificationMetrics& validated) const {
  const boost::json::object report{{"task_id", task_id()},
                                   {"model", spec_.model},
                                   {"metrics", metrics},
                                   {"classes", class_rows(validated, card_.class_names)},
                                   {"confusion_matrix", confusion_rows(validated)}};
  const auto written = protocol::write_file(
      path_of("metrics.json"), protocol::json_text(report) + "\n", protocol::Durability::kRenamed);
  if (!written) return written;
  return write_chart(draw_confusion(validated.confusion, card_.class_names),
                     path_of("confusion_matrix.png"));
}

// What must be the same for a training to go on.
boost::json::object TrainingOutput::identity() const {
  return {{"model", spec_.model},
          {"classes", boost::json::array(card_.class_names.begin(), card_.class_names.end())},
          {"image_size", spec_.image_size},
          {"optimizer", optimizer_name(spec_.learner.optimizer.kind)},
          {"ema", spec_.learner.average}};
}

Status TrainingOutput::save_state(Network* network, boost::json::object notes) {
  notes["task"] = task_id();
  notes["of"] = identity();
  notes["history"] = history_;
  notes["numbered"] = boost::json::array(numbered_.begin(), numbered_.end());
  return network->save_training(path_of(kState), notes);
}

Result<std::optional<boost::json::object>> TrainingOutput::resume(Network* network) {
  const std::string path = path_of(kState);
  const bool there = ::access(path.c_str(), F_OK) == 0;
  if (!there || !spec_.resume.value_or(true)) return std::nullopt;
  // Nobody asked: then only an earlier attempt of this very task is gone on with.
  if (!spec_.resume) {
    auto task = training_task(path);
    if (!task) return forward_error(task);
    if (task->empty() || *task != task_id()) return std::nullopt;
  }
  auto notes = network->load_training(path);
  if (!notes) return forward_error(notes);
  if (notes->at("of") != boost::json::value(identity())) {
    return failed(ErrorCode::kCheckpointMismatch,
                  path + " is of a training with " + protocol::json_text(notes->at("of")) +
                      ", this one has " + protocol::json_text(identity()) +
                      ": train with the same, with another save_path, or with resume false",
                  path);
  }
  history_ = notes->at("history").as_array();
  for (const auto& stem : notes->at("numbered").as_array())
    numbered_.emplace_back(stem.as_string().c_str());
  return std::optional<boost::json::object>(std::move(*notes));
}

void TrainingOutput::end() {
  ended_ = true;
  if (auto written = write_history(); !written) events_.warning(written.error().message);
  ::unlink(path_of(kState).c_str());
}

bool TrainingOutput::has_ended() const {
  constexpr uint64_t kMostBytes = 256U << 20;
  auto text = protocol::read_file(path_of("history.json"), kMostBytes);
  if (!text) return false;
  boost::system::error_code error;
  const auto history = boost::json::parse(*text, error);
  if (error || !history.is_object()) return false;
  const auto* ended = history.get_object().if_contains("ended");
  return ended == nullptr || !ended->is_bool() || ended->get_bool();
}

}  // namespace berth::vision
