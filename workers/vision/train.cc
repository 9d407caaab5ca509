// SPDX-License-Identifier: Apache-2.0
#include "vision/train.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "image/batch_loader.h"
#include "protocol/output_file.h"
#include "protocol/output_folder.h"
#include "runtime/process_group.h"
#include "runtime/process_setup.h"
#include "runtime/torch_session.h"
#include "vision/batch_fit.h"
#include "vision/epoch_metrics.h"
#include "vision/metrics.h"
#include "vision/model_card.h"
#include "vision/network.h"
#include "vision/train_setup.h"
#include "vision/training_data.h"
#include "vision/training_output.h"
#include "vision/training_pass.h"
#include "vision/unreadable.h"
#include "vision/validation.h"
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

// A training step costs about as much as three forward passes (forward, and backward to inputs and
// weights); progress is counted in forward passes.
constexpr double kStepCost = 3;
constexpr double kStateShare = 10;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Training {
 public:
  Training(const TrainSpec& spec, EventWriter* events)
      : spec_(spec), events_(*events), unreadable_(events) {}

  Status run() {
    const auto begin = Clock::now();
    Status step = prepare();
    if (step) step = build();
    if (step) step = go_on();
    while (step && epoch_ < spec_.num_epochs && !stopped_early()) step = run_epoch(epoch_ + 1);
    if (!step) return step;
    finish(seconds_since(begin));
    return {};
  }

 private:
  Status prepare() {
    auto data = list_training_data(spec_.train_path, spec_.val_path, spec_.num_classes);
    if (!data) return forward_error(data);
    data_ = std::move(*data);
    if (!spec_.weight_path.empty() && ::access(spec_.weight_path.c_str(), R_OK) != 0) {
      return tl::unexpected<Error>(
          protocol::system_error("cannot read weight_path", spec_.weight_path, errno));
    }
    if (auto made = protocol::make_folders(spec_.save_path); !made) return made;
    threads_ = std::max(1, runtime::thread_count(spec_.threads) / processes());
    auto device = runtime::start_torch(spec_.device, threads_, &events_);
    if (!device) return forward_error(device);
    device_ = *device;
    if (auto joined = join(); !joined) return joined;
    if (writes()) {
      auto folder = protocol::OutputFolder::open("save_path", spec_.save_path);
      if (!folder) return forward_error(folder);
      folder_.emplace(std::move(*folder));
    }
    if (spec_.deterministic) runtime::be_deterministic();
    settle(&spec_, data_.train, device_, &events_);
    events_.info("Model: " + spec_.model);
    events_.info(format("Device: %s, %d threads", device_.c_str(), threads_));
    return {};
  }

  Status join() {
    const auto place = runtime::GroupPlace::from_environment();
    if (!place) return {};
    auto group = runtime::ProcessGroup::join(*place, device_);
    if (!group) return forward_error(group);
    group_ = std::move(*group);
    return {};
  }

  int processes() const { return static_cast<int>(spec_.processes); }
  bool writes() const { return group_ == nullptr || group_->rank() == 0; }

  Status settle_batch_size() {
    int64_t batch = spec_.batch_size;
    if (batch == 0) {
      const auto pictures = static_cast<int64_t>(data_.train.paths.size());
      auto fits =
          fitting_batch(spec_, device_, std::max<int64_t>(2, pictures / processes()), &events_);
      if (fits && group_ != nullptr) fits = group_->least(*fits);
      if (!fits) return forward_error(fits);
      batch = *fits * processes();
    }
    sizes_.slice = (batch + processes() - 1) / processes();
    sizes_.update = batch * spec_.accumulate_steps;
    events_.info(format("Batch size: %lld, image size: %lld, epochs: %lld, learning rate: %g",
                        static_cast<long long>(sizes_.update),
                        static_cast<long long>(spec_.image_size),
                        static_cast<long long>(spec_.num_epochs), spec_.schedule.learning_rate));
    events_.info("Save directory: " + spec_.save_path);
    return {};
  }

  Status build() {
    if (auto settled = settle_batch_size(); !settled) return settled;
    events_.info("Loading model...");
    auto network = Network::create(spec_.model, spec_.num_classes, device_, spec_.learner.seed,
                                   head_hidden(spec_.weight_path));
    if (!network) return memory_advice(network.error());
    network_.emplace(std::move(*network));
    if (auto loaded = load_weights(); !loaded) return loaded;
    if (auto ready = network_->prepare_training(spec_.learner, group_); !ready) {
      return memory_advice(ready.error());
    }
    events_.info(format("Model loaded: %.2f M parameters",
                        static_cast<double>(network_->parameter_count()) / 1e6));
    events_.info(format("Training dataset: %zu images, %zu classes (%s)", data_.train.paths.size(),
                        data_.train.class_names.size(), spec_.train_path.c_str()));
    events_.info(format("Validation dataset: %zu images (%s)", data_.val.paths.size(),
                        spec_.val_path.c_str()));
    ModelCard card;
    card.model = spec_.model;
    card.class_names = data_.train.class_names;
    card.image_size = static_cast<int>(spec_.image_size);
    output_.emplace(spec_, std::move(card), &events_);
    const auto options = loader_options(spec_, data_, threads_);
    train_loader_.emplace(data_.train.paths, options);
    val_loader_.emplace(data_.val.paths, options);
    pass_.emplace(TrainingPass::Parts{spec_, data_, *network_, *train_loader_, group_.get(),
                                      unreadable_, events_},
                  device_);
    if (!writes()) return {};
    return output_->begin(network_->weight_bytes(), device_,
                          sizes_.update / spec_.accumulate_steps);
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

  /// With what an earlier attempt has left, if anything.
  Status go_on() {
    auto notes = output_->resume(&*network_);
    if (!notes) return memory_advice(notes.error());
    if (!*notes) {
      if (!spec_.resume.value_or(false)) return {};
      // Results without a state are not to be written over.
      if (::access(output_->path_of("history.json").c_str(), F_OK) == 0) {
        const std::string what = "resume: the training in " + spec_.save_path;
        return protocol::failed(
            ErrorCode::kBadRequest,
            (output_->has_ended() ? what + " has ended"
                                  : what + " was stopped before its state was saved") +
                ": choose another save_path, with weight_path to go on from its weights, or leave "
                "resume out to train anew",
            spec_.save_path);
      }
      events_.warning("resume: there is nothing to go on with in " + spec_.save_path +
                      ": starting from the beginning");
      return {};
    }
    const boost::json::object& found = **notes;
    epoch_ = found.at("epoch").to_number<int64_t>();
    best_accuracy_ = std::stod(found.at("best_acc").as_string().c_str());
    best_epoch_ = found.at("best_epoch").to_number<int64_t>();
    sizes_.slice = std::min(sizes_.slice, found.at("slice").to_number<int64_t>());
    events_.info(format("Going on after epoch %lld of %lld", static_cast<long long>(epoch_),
                        static_cast<long long>(spec_.num_epochs)));
    return {};
  }

  bool stopped_early() const {
    return spec_.early_stop > 0 && best_epoch_ > 0 && epoch_ - best_epoch_ >= spec_.early_stop;
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
    if (auto usable = unreadable_.check(data_.train); !usable) return usable;
    boost::json::object line = counts;
    line["train_loss"] = finite_or_null(trained->loss);
    line["train_acc"] = trained->accuracy;
    events_.log(Level::kInfo,
                format("Epoch %s, Train Loss: %.4f, Train Accuracy: %.2f%%", place.c_str(),
                       trained->loss, trained->accuracy),
                "training", line);
    events_.log(Level::kInfo, "Starting validation...", "validation", counts);
    if (auto taken = network_->exchange_average(); !taken) return memory_advice(taken.error());
    auto validated = validate_epoch();
    if (!validated) return forward_error(validated);
    if (auto told = tell_and_save(*trained, *validated); !told) return told;
    if (auto back = network_->exchange_average(); !back) return memory_advice(back.error());
    save_state();
    events_.log(
        Level::kInfo,
        format("Epoch %s finished: %s images/s in training", place.c_str(),
               rate_text(static_cast<double>(trained->pictures) / trained->seconds).c_str()),
        "epoch_end", counts);
    if (stopped_early() && epoch < spec_.num_epochs) {
      events_.info(format("Early stop: no better validation accuracy for %lld epochs",
                          static_cast<long long>(spec_.early_stop)));
    }
    return {};
  }

  Status tell_and_save(const EpochOutcome& trained, const ClassificationMetrics& validated) {
    const bool better = best_epoch_ == 0 || validated.accuracy > best_accuracy_;
    if (better) {
      best_accuracy_ = validated.accuracy;
      best_epoch_ = epoch_;
    }
    const boost::json::object metrics =
        training_metrics(epoch_, spec_.num_epochs, trained, validated, best_accuracy_);
    events_.log(Level::kInfo,
                format("Validation Loss: %.4f, Validation Accuracy: %.2f%%", validated.loss,
                       validated.accuracy),
                "validation", metrics);
    events_.metrics(metrics, "validation");
    if (writes()) {
      auto saved = output_->save_epoch(&*network_, epoch_, better, metrics, validated);
      if (!saved) return memory_advice(saved.error());
    }
    if (better) {
      events_.log(
          Level::kInfo, format("New best model: validation accuracy %.2f%%", best_accuracy_),
          "epoch_end",
          {{"epoch", epoch_}, {"total_epochs", spec_.num_epochs}, {"best_acc", best_accuracy_}});
    }
    return {};
  }

  /// A state is several times as large as the weights: no more than a tenth of the time goes into
  /// it. Without one the training goes on all the same.
  void save_state() {
    if (!writes() || epoch_ == spec_.num_epochs || stopped_early()) return;
    if (seconds_since(state_saved_) < kStateShare * state_seconds_) return;
    const auto begin = Clock::now();
    const auto saved =
        output_->save_state(&*network_, {{"epoch", epoch_},
                                         // Boost.JSON may read another last bit.
                                         {"best_acc", format("%.17g", best_accuracy_)},
                                         {"best_epoch", best_epoch_},
                                         {"slice", sizes_.slice}});
    state_saved_ = Clock::now();
    state_seconds_ = seconds_since(begin);
    if (!saved && !std::exchange(state_missed_, true))
      events_.warning("this training could not go on after a kill: " + saved.error().message);
  }

  Result<EpochOutcome> train_epoch() {
    const double units = static_cast<double>(data_.train.paths.size()) * kStepCost;
    auto trained = pass_->run(epoch_, &sizes_, [&](double share) { tell_progress(share * units); });
    if (!trained) return memory_advice(trained.error());
    training_seconds_ += trained->seconds;
    trained_pictures_ += static_cast<double>(trained->pictures);
    return trained;
  }

  Result<ClassificationMetrics> validate_epoch() {
    const double before = static_cast<double>(data_.train.paths.size()) * kStepCost;
    const Validation what{data_.val,
                          spec_.val_path,
                          spec_.num_classes,
                          sizes_.slice,
                          group_.get(),
                          [&](int64_t done) { tell_progress(before + static_cast<double>(done)); }};
    auto found = validate(what, &*network_, &*val_loader_, &unreadable_);
    if (!found) return memory_advice(found.error());
    if (group_ == nullptr) return found;
    if (auto told = pass_->share_unreadable(); !told) return forward_error(told);
    return found;
  }

  void finish(double seconds) {
    if (writes()) output_->end();
    const std::string done =
        format("Training completed: best validation accuracy %.2f%% (epoch %lld), %.1f s",
               best_accuracy_, static_cast<long long>(best_epoch_), seconds);
    events_.log(
        Level::kInfo, done, "completed",
        {{"epoch", epoch_}, {"total_epochs", spec_.num_epochs}, {"best_acc", best_accuracy_}});
    events_.progress(
        1.0, protocol::EpochCount{static_cast<int>(epoch_), static_cast<int>(spec_.num_epochs)});
    boost::json::object result{
        {"model", spec_.model},
        {"weights", output_->best_weights()},
        {"last_weights", output_->last_weights()},
        {"config", output_->path_of("config.yaml")},
        {"history", output_->path_of("history.json")},
        {"report", output_->path_of("metrics.json")},
        {"epochs", epoch_},
        {"best_epoch", best_epoch_},
        {"best_acc", best_accuracy_},
        {"stopped_early", epoch_ < spec_.num_epochs},
        {"batch_size",
         std::min(sizes_.slice * processes(), sizes_.update / spec_.accumulate_steps)},
        {"processes", processes()},
        {"precision", precision_name(spec_.learner.precision)},
        {"images_per_second", finite_or_null(trained_pictures_ / training_seconds_)},
        {"unreadable", unreadable_.count()},
        {"seconds", seconds}};
    if (network_->skipped_steps() > 0) result["skipped_steps"] = network_->skipped_steps();
    events_.result(std::move(result));
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
        with_memory_advice(error, device_, sizes_.slice, spec_.image_size));
  }

  TrainSpec spec_;  // what "auto" stands for is settled in it
  EventWriter& events_;
  TrainingData data_;
  std::string device_;
  int threads_ = 1;
  BatchSizes sizes_;
  std::shared_ptr<runtime::ProcessGroup> group_;  // null: this process trains alone
  std::optional<Network> network_;
  std::optional<protocol::OutputFolder> folder_;
  std::optional<TrainingOutput> output_;
  std::optional<image::BatchLoader> train_loader_, val_loader_;
  int64_t epoch_ = 0;         // the last one that was begun
  double best_accuracy_ = 0;  // %
  int64_t best_epoch_ = 0;    // 0: none yet
  Clock::time_point state_saved_{};
  double state_seconds_ = 0;  // that the last one took
  bool state_missed_ = false;
  double training_seconds_ = 0, trained_pictures_ = 0;
  UnreadablePictures unreadable_;
  std::optional<TrainingPass> pass_;
};

}  // namespace

Status train(const TrainSpec& spec, EventWriter* events) { return Training(spec, events).run(); }

}  // namespace berth::vision
