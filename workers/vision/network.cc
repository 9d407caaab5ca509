// SPDX-License-Identifier: Apache-2.0
#include "vision/network.h"

#include <ATen/Context.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <optional>

#include "runtime/torch_session.h"
#include "vision/adam.h"
#include "vision/classifier.h"
#include "vision/model_registry.h"
#include "vision/weight_average.h"

namespace berth::vision {

using protocol::Result;
using protocol::Status;
using runtime::guarded;

struct Network::State {
  std::shared_ptr<Classifier> model;
  c10::Device device{c10::kCPU};
  std::optional<Adam> optimizer;
  std::optional<WeightAverage> average;
  at::Tensor loss_sum, correct;  // scalars on the device, so that adding up never waits for it
  int64_t samples = 0;

  /// Bytes N x S x S x 3 to floats N x 3 x S x S in 0..1. The bytes are already in the
  /// channels-last order that convolutions prefer; the conversion keeps it.
  at::Tensor pictures(const image::Batch& batch) const {
    const auto count = static_cast<int64_t>(batch.indices.size());
    at::Tensor bytes = at::from_blob(const_cast<uint8_t*>(batch.pixels.data()),
                                     {count, batch.size, batch.size, 3}, at::kByte);
    return bytes.to(device).permute({0, 3, 1, 2}).to(at::kFloat).div_(255.0);
  }

  void reset_totals() {
    loss_sum = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device));
    correct = at::zeros({}, at::TensorOptions().dtype(at::kLong).device(device));
    samples = 0;
  }
};

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;

Result<Network> Network::create(const std::string& model, int64_t num_classes,
                                const std::string& device, uint64_t seed) {
  auto state = std::make_unique<State>();
  const Status made = guarded("building " + model, [&]() -> Status {
    at::manual_seed(seed);
    auto classifier = create_model(model, {num_classes});
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
    state->reset_totals();
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

Status Network::prepare_training(double learning_rate) {
  return guarded("preparing the optimizer", [&]() -> Status {
    state_->optimizer.emplace(state_->model->parameters(), learning_rate);
    std::vector<at::Tensor> tensors = state_->model->parameters();
    for (const at::Tensor& buffer : state_->model->buffers()) tensors.push_back(buffer);
    state_->average.emplace(std::move(tensors));
    return {};
  });
}

Status Network::train_step(const image::Batch& batch, const std::vector<int64_t>& labels) {
  return guarded("training", [&]() -> Status {
    State& state = *state_;
    state.model->train();
    const auto count = static_cast<int64_t>(labels.size());
    const at::Tensor targets =
        at::from_blob(const_cast<int64_t*>(labels.data()), {count}, at::kLong).to(state.device);
    const at::Tensor scores = state.model->forward(state.pictures(batch));
    const at::Tensor loss = at::cross_entropy_loss(scores, targets);
    loss.backward();
    state.optimizer->step();
    state.average->after_step();
    const c10::NoGradGuard no_grad;
    state.loss_sum.add_(loss.detach(), static_cast<double>(count));
    state.correct.add_(scores.detach().argmax(1).eq(targets).sum());
    state.samples += count;
    return {};
  });
}

Result<TrainingTotals> Network::totals() {
  TrainingTotals totals;
  const Status read = guarded("training", [&]() -> Status {
    totals.loss_sum = state_->loss_sum.item<double>();
    totals.correct = state_->correct.item<int64_t>();
    totals.samples = state_->samples;
    return {};
  });
  if (!read) return tl::unexpected<protocol::Error>(read.error());
  return totals;
}

void Network::reset_totals() { state_->reset_totals(); }

Status Network::exchange_average() {
  return guarded("averaging the weights", [&]() -> Status {
    state_->average->exchange();
    return {};
  });
}

Result<std::vector<float>> Network::predict(const image::Batch& batch) {
  std::vector<float> scores;
  if (batch.indices.empty()) return scores;
  const Status done = guarded("inference", [&]() -> Status {
    const c10::NoGradGuard no_grad;
    state_->model->eval();
    const at::Tensor output =
        state_->model->forward(state_->pictures(batch)).to(at::kCPU).contiguous();
    scores.assign(output.data_ptr<float>(), output.data_ptr<float>() + output.numel());
    return {};
  });
  if (!done) return tl::unexpected<protocol::Error>(done.error());
  return scores;
}

}  // namespace berth::vision
