// SPDX-License-Identifier: Apache-2.0
#include "vision/network.h"

#include <ATen/Context.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "checkpoint/safetensors.h"
#include "runtime/torch_compat.h"
#include "runtime/torch_session.h"
#include "vision/classifier.h"
#include "vision/learner.h"
#include "vision/model_registry.h"
#include "vision/tensor_files.h"

namespace berth::vision {

using protocol::Result;
using protocol::Status;
using runtime::guarded;

struct Network::State {
  std::shared_ptr<Classifier> model;
  c10::Device device{c10::kCPU};
  std::optional<Learner> learner;

  /// Bytes N x S x S x 3 to floats N x 3 x S x S in 0..1. The bytes are already in the
  /// channels-last order that convolutions prefer; the conversion keeps it.
  at::Tensor pictures(const image::Batch& batch, int64_t first, int64_t count) const {
    const int64_t stride = int64_t{3} * batch.size * batch.size;
    at::Tensor bytes = at::from_blob(const_cast<uint8_t*>(batch.pixels.data()) + first * stride,
                                     {count, batch.size, batch.size, 3}, at::kByte);
    return bytes.to(device).permute({0, 3, 1, 2}).to(at::kFloat).div_(255.0);
  }

  /// Everything that training changes, by name.
  std::map<std::string, at::Tensor> training_tensors() const {
    std::map<std::string, at::Tensor> all = learner->tensors();
    for (const auto& item : model->named_parameters()) all["model." + item.key()] = item.value();
    for (const auto& item : model->named_buffers()) all["model." + item.key()] = item.value();
    return all;
  }
};

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;

Result<Network> Network::create(const std::string& model, int64_t num_classes,
                                const std::string& device, uint64_t seed,
                                std::optional<int64_t> head_hidden) {
  auto state = std::make_unique<State>();
  const Status made = guarded("building " + model, [&]() -> Status {
    at::manual_seed(seed);
    auto classifier = create_model(model, {num_classes, {}, {}, head_hidden});
    if (!classifier) return forward_error(classifier);
    state->model = std::move(*classifier);
    state->device = c10::Device(device);
    state->model->to(state->device);
    const c10::NoGradGuard no_grad;
    for (at::Tensor& parameter : state->model->parameters()) {
      if (parameter.dim() == 4) {
        parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
      }
    }
    return {};
  });
  if (!made) return tl::unexpected<protocol::Error>(made.error());
  return Network(std::move(state));
}

Result<bool> Network::load(const std::string& path, HeadRule rule) {
  bool other_head = false;
  const Status loaded = guarded("loading " + path, [&]() -> Status {
    auto outcome = load_weights(state_->model.get(), path, rule);
    if (!outcome) return forward_error(outcome);
    other_head = *outcome;
    return {};
  });
  if (!loaded) return tl::unexpected<protocol::Error>(loaded.error());
  return other_head;
}

Status Network::save(const std::string& path, const std::map<std::string, std::string>& metadata) {
  return guarded("saving " + path, [&] { return save_weights(*state_->model, path, metadata); });
}

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const at::Tensor& parameter : state_->model->parameters()) count += parameter.numel();
  return count;
}

uint64_t Network::weight_bytes() const {
  uint64_t bytes = 0;
  for (const at::Tensor& tensor : state_->model->parameters()) bytes += tensor.nbytes();
  for (const at::Tensor& tensor : state_->model->buffers()) bytes += tensor.nbytes();
  return bytes;
}

Status Network::prepare_training(const LearnerOptions& options,
                                 std::shared_ptr<runtime::ProcessGroup> group) {
  return guarded("preparing the optimizer", [&]() -> Status {
    state_->learner.emplace(state_->model, state_->device, options, std::move(group));
    return {};
  });
}

Status Network::begin_epoch(int64_t epoch) {
  return guarded("beginning an epoch", [&]() -> Status {
    state_->learner->begin_epoch(epoch);
    return {};
  });
}

Status Network::train_step(const image::Batch& batch, const std::vector<int64_t>& labels,
                           int64_t slice, double learning_rate) {
  const Status done = guarded("training", [&]() -> Status {
    const auto pictures = [&](int64_t first, int64_t count) {
      return state_->pictures(batch, first, count);
    };
    state_->learner->step(pictures, labels, slice, learning_rate);
    return {};
  });
  if (!done && done.error().code == protocol::ErrorCode::kOutOfMemory)
    runtime::release_cached_memory();
  return done;
}

int64_t Network::skipped_steps() const { return state_->learner->skipped_steps(); }

Result<TrainingTotals> Network::totals() {
  TrainingTotals totals;
  const Status read = guarded("training", [&]() -> Status {
    totals = state_->learner->totals();
    return {};
  });
  if (!read) return tl::unexpected<protocol::Error>(read.error());
  return totals;
}

void Network::reset_totals() { state_->learner->reset_totals(); }

Status Network::exchange_average() {
  return guarded("averaging the weights", [&]() -> Status {
    state_->learner->exchange_average();
    return {};
  });
}

Status Network::save_training(const std::string& path, const boost::json::object& notes) {
  return guarded("saving " + path, [&] {
    return write_tensors(path, state_->training_tensors(),
                         {{"counts", boost::json::serialize(state_->learner->counts())},
                          {"notes", boost::json::serialize(notes)}});
  });
}

namespace {

// Whatever somebody may have put there.
Result<boost::json::object> metadata_object(const checkpoint::SafetensorsFile& file,
                                            const std::string& path, const char* name) {
  const auto text = file.metadata().find(name);
  boost::json::error_code error;
  boost::json::value value;
  if (text != file.metadata().end()) value = boost::json::parse(text->second, error);
  if (!error && value.is_object()) return std::move(value.get_object());
  return protocol::failed(protocol::ErrorCode::kCheckpointMismatch,
                          path + " is not the state of a training: it has no " + name, path);
}

}  // namespace

Result<std::string> training_task(const std::string& path) {
  auto file = checkpoint::SafetensorsFile::open(path);
  if (!file) return forward_error(file);
  auto notes = metadata_object(*file, path, "notes");
  if (!notes) return forward_error(notes);
  const boost::json::value* task = notes->if_contains("task");
  return task != nullptr && task->is_string() ? std::string(task->get_string().c_str()) : "";
}

Result<boost::json::object> Network::load_training(const std::string& path) {
  auto file = checkpoint::SafetensorsFile::open(path);
  if (!file) return forward_error(file);
  auto notes = metadata_object(*file, path, "notes");
  auto counts = metadata_object(*file, path, "counts");
  if (!notes) return notes;
  if (!counts) return counts;
  const Status loaded = guarded("going on from " + path, [&]() -> Status {
    const auto own = state_->training_tensors();
    const auto& saved = file->tensors();
    const auto same = [&](const auto& item) {
      const auto found = saved.find(item.first);
      return found != saved.end() && found->second.shape == item.second.sizes().vec();
    };
    if (own.size() != saved.size() || !std::all_of(own.begin(), own.end(), same)) {
      return protocol::failed(protocol::ErrorCode::kCheckpointMismatch,
                              path +
                                  " is of another model or of a training with other settings: "
                                  "train with those, or without resume",
                              path);
    }
    const c10::NoGradGuard no_grad;
    for (const auto& [name, tensor] : own) at::Tensor(tensor).copy_(as_tensor(saved.at(name)));
    state_->learner->restore(*counts);
    return {};
  });
  if (!loaded) return tl::unexpected<protocol::Error>(loaded.error());
  return notes;
}

Result<std::vector<float>> Network::predict(const image::Batch& batch) {
  std::vector<float> scores;
  if (batch.indices.empty()) return scores;
  const Status done = guarded("inference", [&]() -> Status {
    const c10::NoGradGuard no_grad;
    state_->model->eval();
    const auto count = static_cast<int64_t>(batch.indices.size());
    const at::Tensor output =
        state_->model->forward(state_->pictures(batch, 0, count)).to(at::kCPU).contiguous();
    scores.assign(output.data_ptr<float>(), output.data_ptr<float>() + output.numel());
    return {};
  });
  if (!done) return tl::unexpected<protocol::Error>(done.error());
  return scores;
}

}  // namespace berth::vision
