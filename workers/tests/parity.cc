// SPDX-License-Identifier: Apache-2.0
// What tests/parity asks of our models, by files:
//   worker_parity init MODEL CLASSES OUT             a fresh model's weights
//   worker_parity run  MODEL CLASSES WEIGHTS IN OUT  "y": the scores of "x", N x 3 x S x S, in
//   evaluation mode worker_parity step MODEL CLASSES WEIGHTS IN OUT  of "x" and "labels" (N):
//   "loss" and a "grad.NAME" per parameter, in
//                                                    training mode, nothing dropped
#include <ATen/Context.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "vision/classifier.h"
#include "vision/model_registry.h"
#include "vision/weights.h"

namespace berth::vision {
namespace {

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "worker_parity: %s\n", message.c_str());
  std::exit(1);
}

template <typename T>
T good(protocol::Result<T> result) {
  if (!result) fail(result.error().message);
  return std::move(*result);
}

at::Tensor tensor(const checkpoint::SafetensorsFile& file, const std::string& name,
                  at::ScalarType type) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) fail("no tensor " + name);
  return at::from_blob(const_cast<uint8_t*>(found->second.bytes), found->second.shape, type);
}

void write(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& named) {
  std::vector<at::Tensor> alive;
  std::vector<checkpoint::TensorView> views;
  for (const auto& [name, value] : named) {
    alive.push_back(value.detach().contiguous());
    checkpoint::TensorView view;
    view.name = name;
    view.shape = alive.back().sizes().vec();
    view.bytes = static_cast<const uint8_t*>(alive.back().data_ptr());
    view.size = alive.back().nbytes();
    views.push_back(std::move(view));
  }
  if (auto written = checkpoint::write_safetensors(path, std::move(views), {}); !written)
    fail(written.error().message);
}

void step(Classifier& model, const checkpoint::SafetensorsFile& input, const std::string& out) {
  model.train();
  const at::Tensor loss = at::cross_entropy_loss(model.forward(tensor(input, "x", at::kFloat)),
                                                 tensor(input, "labels", at::kLong));
  loss.backward();
  std::vector<std::pair<std::string, at::Tensor>> results{{"loss", loss}};
  for (const auto& item : model.named_parameters())
    results.emplace_back("grad." + item.key(), item.value().grad());
  write(out, results);
}

int run(const std::vector<std::string>& arguments) {
  const std::string& verb = arguments.at(0);
  at::manual_seed(1);
  const auto model = good(create_model(arguments.at(1), {std::stoll(arguments.at(2)), 0.0, 0.0}));
  if (verb == "init") {
    if (auto saved = save_weights(*model, arguments.at(3), {}); !saved) fail(saved.error().message);
    return 0;
  }
  good(load_weights(model.get(), arguments.at(3), HeadRule::kMustMatch));
  const checkpoint::SafetensorsFile input =
      good(checkpoint::SafetensorsFile::open(arguments.at(4)));
  if (verb == "step") {
    step(*model, input, arguments.at(5));
    return 0;
  }
  const c10::NoGradGuard no_grad;
  model->eval();
  write(arguments.at(5), {{"y", model->forward(tensor(input, "x", at::kFloat))}});
  return 0;
}

}  // namespace
}  // namespace berth::vision

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: worker_parity init|run|step MODEL CLASSES FILE...\n", stderr);
    return 2;
  }
  return berth::vision::run({argv + 1, argv + argc});
}
