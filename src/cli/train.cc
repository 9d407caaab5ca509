// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "base/text.h"
#include "cli/builtin_text.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/submit.h"
#include "cli/task_text.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

// One class per sub-directory, hidden ones apart (torchvision's ImageFolder).
base::Result<int> count_classes(const std::string& folder) {
  std::error_code code;
  std::filesystem::directory_iterator entry(folder, code);
  if (code) {
    return base::fail(base::ErrorCode::kPathNotFound,
                      tr("cannot count the classes in {}: {} (give --num-classes when only the "
                         "daemon sees it)",
                         {folder, code.message()}));
  }
  int count = 0;
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->path().filename().string().starts_with("."))
      ++count;
  }
  if (count == 0) {
    return base::fail(
        base::ErrorCode::kBadRequest,
        tr("{} has no sub-directories: there must be one per class, with its images", {folder}));
  }
  return count;
}

// Shows a built-in task until it ends: a bar on a terminal, lines elsewhere.
class TrainingView {
 public:
  TrainingView() : screen_(screen()), live_(2, screen_) {}

  void change(const json::object& task) {
    const std::string state = base::string_or(task, "status");
    const std::string line = epoch_line(task);
    if (line != said_ && !line.empty() && state != "queued") {
      said_ = line;
      live_.clear();
      print(fit_line(line) + "\n");
    }
    // How it ended is in the summary.
    if (!screen_.live && state != state_ && !is_final(task)) print_error(stage(task) + "\n");
    state_ = state;
    if (!is_final(task)) live_.update(progress_line(task, base::now(), screen_));
  }
  void leave() { live_.clear(); }

 private:
  static std::string fit_line(const std::string& line) {
    const Screen out = screen_of(1);
    return out.width > 0 ? fit(line, out.width) : line;
  }
  static std::string stage(const json::object& task) {
    const std::string state = base::string_or(task, "status");
    std::string device = printable(base::string_or(task, "device"));
    if (state != "running" || device.empty()) return tr(state);
    const std::string fallback = base::string_or(task, "fallback");
    if (fallback == "no_gpu") device = tr("{} (no GPU on this machine)", {device});
    if (fallback == "worker_without_gpu")
      device = tr("{} (the built-in programs were built without GPU support)", {device});
    if (fallback == "gpus_busy") device = tr("{} (no GPU was free in time)", {device});
    return tr("running on {}", {device});
  }

  // A bar on standard error would be torn by lines that reach the same terminal through a pipe.
  static Screen screen() {
    Screen result = screen_of(2);
    result.live = result.live && screen_of(1).live;
    return result;
  }

  Screen screen_;
  LiveLine live_;
  std::string said_, state_;
};

}  // namespace

int train(const TrainOptions& options) {
  int classes = options.num_classes.value_or(0);
  if (!options.num_classes) {
    const auto counted = count_classes(options.train);
    if (!counted) return report(counted.error());
    classes = *counted;
  }
  json::object body{{"model", options.model},
                    {"num_classes", classes},
                    {"train_path", absolute_path(options.train)},
                    {"val_path", absolute_path(options.val)},
                    {"save_path", absolute_path(options.save)},
                    {"num_epochs", options.epochs},
                    {"learning_rate", options.learning_rate},
                    {"image_size", options.image_size},
                    {"device", options.device},
                    {"weight_path", options.weights.empty() ? "" : absolute_path(options.weights)},
                    {"pretrained", options.pretrained},
                    {"shuffle", options.shuffle},
                    {"priority", options.priority}};
  const auto batch_size = base::parse_number(options.batch_size);
  body["batch_size"] = batch_size ? json::value(*batch_size) : json::value(options.batch_size);
  for (const auto& field : options.more) body[field.key()] = field.value();
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.task_id.empty()) body["task_id"] = options.task_id;
  TrainingView view;
  Builtin task{"/api/v2/training/start", std::move(body), options.detach, {}, {}, {}, {}};
  task.on_accepted = [&](const std::string& id) {
    const std::string line =
        tr("task {}: {}, {} classes", {id, options.model, std::to_string(classes)});
    print_error(paint(line, Tone::kDim, screen_of(2)) + "\n");
  };
  task.on_change = [&](const json::object& state) { view.change(state); };
  task.on_left = [&] { view.leave(); };
  task.on_end = [](const json::object& end, const std::string& id) {
    if (base::string_or(end, "status") == "completed") {
      print(training_summary(end, screen_of(1)));
      return kDone;
    }
    print_error(training_summary(end, screen_of(2)) + "  " +
                tr("berth logs {} has the details", {short_id(id)}) + "\n");
    return kTaskFailed;
  };
  return run_builtin(task);
}

}  // namespace berth::cli
