// SPDX-License-Identifier: Apache-2.0
#include "vision/train_setup.h"

#include <unistd.h>

#include <algorithm>

#include "checkpoint/architecture.h"
#include "checkpoint/checkpoint_file.h"
#include "runtime/torch_session.h"

namespace berth::vision {
namespace {

constexpr uint64_t kCacheBytes = uint64_t{2} << 30;

uint64_t cache_limit() {
  const auto pages = static_cast<uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page_bytes = static_cast<uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  return std::min(kCacheBytes, pages * page_bytes / 8);
}

void settle_precision(TrainSpec* spec, const std::string& device, protocol::EventWriter* events) {
  Precision& precision = spec->learner.precision;
  const bool cpu = device == "cpu", bf16 = runtime::computes_bf16(device);
  if (spec->mixed_precision) {
    precision = bf16 ? Precision::kBf16 : cpu ? Precision::kFp32 : Precision::kFp16;
    if (cpu && !bf16) {
      events->info(
          "Mixed precision: this processor does not compute in bf16, so training in fp32 is "
          "faster and is what is done");
    }
  } else if (precision == Precision::kFp16 && cpu) {
    precision = bf16 ? Precision::kBf16 : Precision::kFp32;
    events->warning(std::string("fp16 is for GPUs: training in ") + precision_name(precision) +
                    " on the CPU");
  } else if (precision == Precision::kBf16 && cpu && !bf16) {
    events->warning(
        "this processor does not compute in bf16: training in it is many times slower than in "
        "fp32 (leave precision out, or ask for mixed_precision)");
  }
  if (precision != Precision::kFp32)
    events->info(std::string("Mixed precision: ") + precision_name(precision));
}

void settle_class_weights(TrainSpec* spec, const image::ImageFolder& train) {
  if (spec->class_balance != ClassBalance::kBalanced) return;
  std::vector<int64_t> counts(static_cast<size_t>(spec->num_classes), 0);
  for (const int64_t label : train.labels) ++counts[static_cast<size_t>(label)];
  for (const int64_t count : counts) {
    spec->learner.class_weights.push_back(static_cast<float>(
        static_cast<double>(train.labels.size()) /
        (static_cast<double>(counts.size()) * static_cast<double>(std::max<int64_t>(1, count)))));
  }
}

}  // namespace

void settle(TrainSpec* spec, const image::ImageFolder& train, const std::string& device,
            protocol::EventWriter* events) {
  settle_precision(spec, device, events);
  settle_class_weights(spec, train);
}

image::LoaderOptions loader_options(const TrainSpec& spec, const TrainingData& data, int threads) {
  image::LoaderOptions options;
  options.image_size = static_cast<int>(spec.image_size);
  options.threads = threads;
  const uint64_t all_bytes = (data.train.paths.size() + data.val.paths.size()) * 3 *
                             static_cast<uint64_t>(spec.image_size * spec.image_size);
  // In the end every process has seen every picture.
  const auto processes = static_cast<uint64_t>(spec.processes);
  options.cache_bytes = all_bytes <= cache_limit() / processes ? all_bytes : 0;
  return options;
}

std::optional<int64_t> head_hidden(const std::string& weight_path) {
  if (weight_path.empty()) return std::nullopt;
  const auto file = checkpoint::CheckpointFile::open(weight_path);
  return file ? checkpoint::guess_architecture(file->tensors()).hidden : std::nullopt;
}

}  // namespace berth::vision
