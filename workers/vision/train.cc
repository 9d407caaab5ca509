// SPDX-License-Identifier: Apache-2.0
#include "vision/train.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <optional>

#include "image/batch_loader.h"
#include "protocol/output_file.h"
#include "runtime/process_setup.h"
#include "runtime/torch_session.h"
#include "vision/metrics.h"
#include "vision/model_card.h"
#include "vision/network.h"
#include "vision/training_data.h"
#include "vision/wording.h"

namespace berth::vision {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::EventWriter;
using protocol::failed;
using protocol::finite_or_null;
using protocol::Level;
using protocol::Result;
using protocol::Status;
using Clock = std::chrono::steady_clock;

// Decoded pictures are kept for the next epoch if both sets together stay below this and below an
// eighth of the machine's memory.
constexpr uint64_t kCacheBytes = uint64_t{2} << 30;
// A training step costs about as much as three forward passes (forward, and backward to inputs and
// weights); progress is counted in forward passes.
constexpr double kStepCost = 3;
constexpr auto kTickPeriod = std::chrono::milliseconds(200);

uint64_t cache_limit() {
  const auto pages = static_cast<uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page_bytes = static_cast<uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  return std::min(kCacheBytes, pages * page_bytes / 8);
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What one pass over the training set gave.
struct EpochOutcome {
  double loss = 0;
  double accuracy = 0;  ///< %
  double seconds = 0;
};

class Training {
 public:
  Training(const TrainSpec& spec, EventWriter* events) : spec_(spec), events_(*events) {}

  Status run() {
    const auto begin = Clock::now();
    Status step = prepare();
    if (step) step = build();
    for (int64_t epoch = 1; step && epoch <= spec_.num_epochs; ++epoch) step = run_epoch(epoch);
    if (!step) return step;
    const double seconds = seconds_since(begin);
    const std::string done =
        format("Training completed: best validation accuracy %.2f%% (epoch %d), %.1f s",
               best_accuracy_, best_epoch_, seconds);
    events_.log(Level::kInfo, done, "completed",
                {{"epoch", spec_.num_epochs},
                 {"total_epochs", spec_.num_epochs},
                 {"best_acc", best_accuracy_}});
    events_.progress(1.0, protocol::EpochCount{static_cast<int>(spec_.num_epochs),
                                               static_cast<int>(spec_.num_epochs)});
    events_.result({{"model", spec_.model},
                    {"weights", path_of("best_model.safetensors")},
                    {"last_weights", path_of("last_model.safetensors")},
                    {"config", path_of("config.yaml")},
                    {"epochs", spec_.num_epochs},
                    {"best_epoch", best_epoch_},
                    {"best_acc", best_accuracy_},
                    {"images_per_second", finite_or_null(trained_pictures_ / training_seconds_)},
                    {"seconds", seconds}});
    return {};
  }

 private:
  std::string path_of(const char* name) const { return spec_.save_path + "/" + name; }

  Status prepare() {
    auto data = list_training_data(spec_.train_path, spec_.val_path, spec_.num_classes);
    if (!data) return forward_error(data);
    data_ = std::move(*data);
    if (!spec_.weight_path.empty() && ::access(spec_.weight_path.c_str(), R_OK) != 0) {
      return tl::unexpected<Error>(
          protocol::system_error("cannot read weight_path", spec_.weight_path, errno));
    }
    if (auto made = protocol::make_folders(spec_.save_path); !made) return made;
    threads_ = runtime::thread_count(spec_.threads);
    auto device = runtime::start_torch(spec_.device, threads_, &events_);
    if (!device) return forward_error(device);
    device_ = *device;
    events_.info("Model: " + spec_.model);
    events_.info(format("Device: %s, %d threads", device_.c_str(), threads_));
    events_.info(format("Batch size: %lld, image size: %lld, epochs: %lld, learning rate: %g",
                        static_cast<long long>(spec_.batch_size),
                        static_cast<long long>(spec_.image_size),
                        static_cast<long long>(spec_.num_epochs), spec_.learning_rate));
    events_.info("Save directory: " + spec_.save_path);
    return {};
  }

  Status build() {
    events_.info("Loading model...");
    auto network = Network::create(spec_.model, spec_.num_classes, device_, spec_.seed);
    if (!network) return memory_advice(network.error());
    network_.emplace(std::move(*network));
    if (auto loaded = load_weights(); !loaded) return loaded;
    if (auto ready = network_->prepare_training(spec_.learning_rate); !ready) {
      return memory_advice(ready.error());
    }
    events_.info(format("Model loaded: %.2f M parameters",
                        static_cast<double>(network_->parameter_count()) / 1e6));
    // Better to say so now than after the first epoch.
    const uint64_t needed = network_->weight_bytes(), free = protocol::free_bytes(spec_.save_path);
    if (free > 0 && free < needed) {
      return failed(ErrorCode::kNoSpace,
                    "no space for a checkpoint: " + path_of("best_model.safetensors") + " takes " +
                        std::to_string(needed) + " bytes and " + std::to_string(free) +
                        " are free: free some space or choose another save_path",
                    path_of("best_model.safetensors"));
    }
    card_.model = spec_.model;
    card_.class_names = data_.train.class_names;
    card_.image_size = static_cast<int>(spec_.image_size);
    events_.info(format("Training dataset: %zu images, %zu classes (%s)", data_.train.paths.size(),
                        data_.train.class_names.size(), spec_.train_path.c_str()));
    events_.info(format("Validation dataset: %zu images (%s)", data_.val.paths.size(),
                        spec_.val_path.c_str()));
    const TrainingConfig config{spec_.train_path,  spec_.val_path, spec_.save_path,
                                spec_.weight_path, device_,        spec_.batch_size,
                                spec_.num_epochs,  spec_.shuffle,  spec_.learning_rate};
    if (auto written = write_config(config, card_); !written) return written;
    image::LoaderOptions options;
    options.image_size = card_.image_size;
    options.threads = threads_;
    const uint64_t all_bytes = (data_.train.paths.size() + data_.val.paths.size()) * 3 *
                               static_cast<uint64_t>(spec_.image_size * spec_.image_size);
    options.cache_bytes = all_bytes <= cache_limit() ? all_bytes : 0;
    train_loader_.emplace(data_.train.paths, options);
    val_loader_.emplace(data_.val.paths, options);
    return {};
  }

  Status load_weights() {
    if (spec_.weight_path.empty()) {
      if (spec_.pretrained) {
        events_.info(
            "pretrained: there are no built-in weights and no weight_path was given, so "
            "training starts from scratch");
      }
      return {};
    }
    auto other_head = network_->load(spec_.weight_path, HeadRule::kMayDiffer);
    if (!other_head) return memory_advice(other_head.error());
    events_.info("Weights loaded from " + spec_.weight_path);
    if (*other_head) {
      events_.info(
          format("The last layer of %s is for another number of classes: it was "
                 "initialised anew for %lld",
                 spec_.weight_path.c_str(), static_cast<long long>(spec_.num_classes)));
    }
    return {};
  }

  Status run_epoch(int64_t epoch) {
    epoch_ = epoch;
    const boost::json::object counts{{"epoch", epoch}, {"total_epochs", spec_.num_epochs}};
    const std::string place = format("[%lld/%lld]", static_cast<long long>(epoch),
                                     static_cast<long long>(spec_.num_epochs));
    events_.log(Level::kInfo, "Epoch " + place + " started.", "epoch_start", counts);
    tell_progress(0);
    auto trained = train_epoch();
    if (!trained) return forward_error(trained);
    boost::json::object line = counts;
    line["train_loss"] = finite_or_null(trained->loss);
    line["train_acc"] = trained->accuracy;
    events_.log(Level::kInfo,
                format("Epoch %s, Train Loss: %.4f, Train Accuracy: %.2f%%", place.c_str(),
                       trained->loss, trained->accuracy),
                "training", line);
    events_.log(Level::kInfo, "Starting validation...", "validation", counts);
    if (auto taken = network_->exchange_average(); !taken) return memory_advice(taken.error());
    auto validated = validate();
    if (!validated) return forward_error(validated);
    const bool better = best_epoch_ == 0 || validated->accuracy > best_accuracy_;
    if (better) {
      best_accuracy_ = validated->accuracy;
      best_epoch_ = static_cast<int>(epoch);
    }
    const boost::json::object metrics = metrics_object(*trained, *validated);
    events_.log(Level::kInfo,
                format("Validation Loss: %.4f, Validation Accuracy: %.2f%%", validated->loss,
                       validated->accuracy),
                "validation", metrics);
    events_.metrics(metrics, "validation");
    if (auto saved = save_checkpoints(better, metrics); !saved) return saved;
    if (auto back = network_->exchange_average(); !back) return memory_advice(back.error());
    events_.log(Level::kInfo,
                format("Epoch %s finished: %.1f images/s in training", place.c_str(),
                       static_cast<double>(data_.train.paths.size()) / trained->seconds),
                "epoch_end", counts);
    return {};
  }

  Result<EpochOutcome> train_epoch() {
    const auto begin = Clock::now();
    // A last batch of one picture would break batch normalisation: it joins the one before.
    train_loader_->start(image::make_batches(
        data_.train.paths.size(), static_cast<size_t>(spec_.batch_size), spec_.shuffle,
        spec_.seed * 1'000'003 + static_cast<uint64_t>(epoch_), /*merge_single=*/true));
    network_->reset_totals();
    auto last_look = begin;
    size_t done = 0;
    while (auto batch = train_loader_->next()) {
      if (!batch->failed.empty()) return memory_advice(batch->failed.front().error);
      std::vector<int64_t> labels;
      for (const size_t index : batch->indices) labels.push_back(data_.train.labels[index]);
      if (auto step = network_->train_step(*batch, labels); !step) {
        return memory_advice(step.error());
      }
      done += labels.size();
      // Asking a GPU for its sums waits for it, so that is done only when progress is due.
      if (Clock::now() - last_look < kTickPeriod) continue;
      last_look = Clock::now();
      if (auto sums = checked_totals(); !sums) return forward_error(sums);
      tell_progress(static_cast<double>(done) * kStepCost);
    }
    auto sums = checked_totals();
    if (!sums) return forward_error(sums);
    EpochOutcome outcome;
    outcome.seconds = seconds_since(begin);
    const auto samples = static_cast<double>(sums->samples);
    outcome.loss = sums->loss_sum / samples;
    outcome.accuracy = 100.0 * static_cast<double>(sums->correct) / samples;
    training_seconds_ += outcome.seconds;
    trained_pictures_ += samples;
    tell_progress(static_cast<double>(done) * kStepCost);
    return outcome;
  }

  Result<TrainingTotals> checked_totals() {
    auto sums = network_->totals();
    if (!sums) return memory_advice(sums.error());
    if (!std::isfinite(sums->loss_sum)) {
      return failed(ErrorCode::kDiverged,
                    format("training diverged: the loss is not a number any more in epoch %lld "
                           "(learning rate %g): use a smaller learning_rate",
                           static_cast<long long>(epoch_), spec_.learning_rate));
    }
    return sums;
  }

  Result<ClassificationMetrics> validate() {
    const auto classes = static_cast<size_t>(spec_.num_classes);
    MetricsCollector collector(classes);
    std::vector<float> probabilities(classes);
    const double before = static_cast<double>(data_.train.paths.size()) * kStepCost;
    val_loader_->start(image::make_batches(data_.val.paths.size(),
                                           static_cast<size_t>(spec_.batch_size),
                                           /*shuffle=*/false, 0, /*merge_single=*/false));
    while (auto batch = val_loader_->next()) {
      if (!batch->failed.empty()) return memory_advice(batch->failed.front().error);
      auto scores = network_->predict(*batch);
      if (!scores) return memory_advice(scores.error());
      for (size_t i = 0; i < batch->indices.size(); ++i) {
        const float* row = scores->data() + i * classes;
        const int64_t label = data_.val.labels[batch->indices[i]];
        softmax(row, classes, probabilities.data());
        collector.add(probabilities.data(), label,
                      cross_entropy(row, classes, static_cast<size_t>(label)));
      }
      tell_progress(before + static_cast<double>(collector.samples()));
    }
    return collector.compute();
  }

  /// The originals' TrainingMetrics: exactly these keys.
  boost::json::object metrics_object(const EpochOutcome& trained,
                                     const ClassificationMetrics& val) const {
    return {{"epoch", epoch_},
            {"total_epochs", spec_.num_epochs},
            {"train_loss", finite_or_null(trained.loss)},
            {"train_acc", trained.accuracy},
            {"val_loss", finite_or_null(val.loss)},
            {"val_acc", val.accuracy},
            {"macro_f1", val.macro_f1},
            {"micro_f1", val.micro_f1},
            {"mAP", val.mean_average_precision},
            {"top1_acc", val.top1},
            {"top3_acc", val.top3},
            {"top5_acc", val.top5},
            {"macro_precision", val.macro_precision},
            {"macro_recall", val.macro_recall},
            {"micro_precision", val.micro_precision},
            {"micro_recall", val.micro_recall},
            {"precision", val.macro_precision},
            {"recall", val.macro_recall},
            {"learning_rate", spec_.learning_rate},
            {"best_acc", best_accuracy_}};
  }

  Status save_checkpoints(bool better, const boost::json::object& metrics) {
    if (better) {
      if (auto saved = save("best_model.safetensors", metrics); !saved) return saved;
      events_.log(
          Level::kInfo, format("New best model: validation accuracy %.2f%%", best_accuracy_),
          "epoch_end",
          {{"epoch", epoch_}, {"total_epochs", spec_.num_epochs}, {"best_acc", best_accuracy_}});
    }
    return save("last_model.safetensors", metrics);
  }

  Status save(const char* name, const boost::json::object& metrics) {
    const std::string path = path_of(name);
    card_.epoch = static_cast<int>(epoch_);
    // The old sidecar goes first: a kill between the two files must not leave one that describes
    // other weights (the weights also carry the card in their own metadata).
    ::unlink(sidecar_path(path).c_str());
    if (auto saved = network_->save(path, card_metadata(card_)); !saved) return saved;
    if (auto written = write_sidecar(path, card_, metrics); !written) return written;
    events_.checkpoint(path);
    events_.log(Level::kInfo, "Model saved: " + path, "epoch_end",
                {{"epoch", epoch_}, {"total_epochs", spec_.num_epochs}});
    return {};
  }

  /// `units`: finished forward passes of this epoch.
  void tell_progress(double units) {
    const double train_units = static_cast<double>(data_.train.paths.size()) * kStepCost;
    const double per_epoch = train_units + static_cast<double>(data_.val.paths.size());
    const double finished = static_cast<double>(epoch_ - 1) + units / per_epoch;
    // The end of the last epoch is told when its checkpoints are on the disk.
    const double value = std::min(finished / static_cast<double>(spec_.num_epochs), 0.999);
    events_.progress(
        value, protocol::EpochCount{static_cast<int>(epoch_), static_cast<int>(spec_.num_epochs)});
  }

  tl::unexpected<Error> memory_advice(const Error& error) const {
    return tl::unexpected<Error>(
        with_memory_advice(error, device_, spec_.batch_size, spec_.image_size));
  }

  const TrainSpec& spec_;
  EventWriter& events_;
  TrainingData data_;
  ModelCard card_;
  std::string device_;
  int threads_ = 1;
  std::optional<Network> network_;
  std::optional<image::BatchLoader> train_loader_, val_loader_;
  int64_t epoch_ = 0;
  double best_accuracy_ = 0;  // %
  int best_epoch_ = 0;        // 0: none yet
  double training_seconds_ = 0, trained_pictures_ = 0;
};

}  // namespace

Status train(const TrainSpec& spec, EventWriter* events) { return Training(spec, events).run(); }

}  // namespace berth::vision
