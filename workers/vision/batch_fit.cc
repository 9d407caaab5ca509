// SPDX-License-Identifier: Apache-2.0
#include "vision/batch_fit.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "runtime/cpu_memory.h"
#include "runtime/process_setup.h"
#include "vision/network.h"
#include "vision/wording.h"

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;
using Clock = std::chrono::steady_clock;

constexpr int64_t kMostOnGpu = 4096, kMostOnCpu = 256;
constexpr double kShareOfMemory = 0.7;  // of what is available
constexpr double kFaster = 1.05;        // less is not worth the memory

image::Batch grey_pictures(int64_t count, int64_t side) {
  image::Batch batch;
  batch.size = static_cast<int>(side);
  batch.pixels.assign(static_cast<size_t>(3 * side * side * count), 128);
  for (int64_t i = 0; i < count; ++i) batch.indices.push_back(static_cast<size_t>(i));
  return batch;
}

/// Pictures per second of the second of two steps: the first one prepares things.
Result<double> speed(Network* network, int64_t count, int64_t side) {
  const image::Batch batch = grey_pictures(count, side);
  const std::vector<int64_t> labels(static_cast<size_t>(count), 0);
  auto begin = Clock::now();
  for (int i = 0; i < 2; ++i) {
    begin = Clock::now();
    if (auto step = network->train_step(batch, labels, count, 1e-9); !step)
      return forward_error(step);
    if (auto waited = network->totals(); !waited) return forward_error(waited);
  }
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What is tried on the CPU must not push others out.
class TrialLimit {
 public:
  TrialLimit(bool on, int64_t processes) : on_(on) {
    const auto share = static_cast<uint64_t>(kShareOfMemory / static_cast<double>(processes) *
                                             static_cast<double>(runtime::available_cpu_memory()));
    const uint64_t own = usual();
    if (on_) runtime::limit_cpu_memory(own > 0 ? std::min(own, share) : share);
  }
  ~TrialLimit() {
    if (on_) runtime::limit_cpu_memory(usual());
  }
  TrialLimit(const TrialLimit&) = delete;
  TrialLimit& operator=(const TrialLimit&) = delete;

 private:
  static uint64_t usual() { return runtime::memory_limit().value_or(0); }
  bool on_;
};

}  // namespace

Result<int64_t> fitting_batch(const TrainSpec& spec, const std::string& device, int64_t most,
                              protocol::EventWriter* events) {
  const bool on_cpu = device == "cpu";
  most = std::min(most, on_cpu ? kMostOnCpu : kMostOnGpu);
  const TrialLimit limit(on_cpu, spec.processes);
  auto network = Network::create(spec.model, spec.num_classes, device, spec.learner.seed);
  if (!network) return forward_error(network);
  if (auto ready = network->prepare_training(spec.learner); !ready) return forward_error(ready);
  int64_t fits = 0;
  double best = 0;
  for (int64_t count = 2; count <= std::max<int64_t>(2, most); count *= 2) {
    auto rate = speed(&*network, count, spec.image_size);
    if (!rate && rate.error().code != ErrorCode::kOutOfMemory) return forward_error(rate);
    if (!rate) break;
    if (on_cpu && *rate < best * kFaster) break;
    fits = count;
    best = *rate;
  }
  if (fits == 0) {
    return failed(ErrorCode::kOutOfMemory,
                  "not even two pictures of " + std::to_string(spec.image_size) + " px fit into " +
                      device + " with " + spec.model +
                      ": use a smaller image_size, a smaller model, or a device with more memory");
  }
  events->info(format("batch_size auto: %lld (%.1f images/s)", static_cast<long long>(fits), best));
  return fits;
}

}  // namespace berth::vision
