// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "cli/builtin_text.h"
#include "cli/follow.h"
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
    if (!screen_.live && state != state_) print_error(stage(task) + "\n");
    state_ = state;
    if (is_final(task))
      live_.clear();
    else
      live_.update(progress_line(task, base::now(), screen_));
  }

 private:
  static std::string fit_line(const std::string& line) {
    const Screen out = screen_of(1);
    return out.width > 0 ? fit(line, out.width) : line;
  }
  static std::string stage(const json::object& task) {
    const std::string state = base::string_or(task, "status");
    const std::string device = base::string_or(task, "device");
    return state == "running" && !device.empty() ? tr("running on {}", {printable(device)})
                                                 : tr(state);
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
                    {"batch_size", options.batch_size},
                    {"num_epochs", options.epochs},
                    {"learning_rate", options.learning_rate},
                    {"image_size", options.image_size},
                    {"device", options.device},
                    {"weight_path", options.weights.empty() ? "" : absolute_path(options.weights)},
                    {"pretrained", options.pretrained},
                    {"shuffle", options.shuffle},
                    {"priority", options.priority}};
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.task_id.empty()) body["task_id"] = options.task_id;
  const auto task = submit("/api/v2/training/start", body);
  if (!task) return report(task.error());
  const std::string id = base::string_or(*task, "task_id");
  if (options.detach) {
    print(id + "\n");
    return kDone;
  }
  const Screen screen = screen_of(2);
  print_error(paint(tr("task {}: {}, {} classes", {id, options.model, std::to_string(classes)}),
                    Tone::kDim, screen) +
              "\n");
  TrainingView view;
  FollowOptions how;
  how.out = how.err = -1;
  how.announce = screen.live;
  how.on_change = [&](const json::object& state) { view.change(state); };
  const auto end = follow(id, how);
  if (!end) return report(end.error());
  const bool done = base::string_or(*end, "status") == "completed";
  if (done)
    print(training_summary(*end, screen_of(1)));
  else
    print_error(training_summary(*end, screen) + "  " +
                tr("berth logs {} has the details", {short_id(id)}) + "\n");
  return done ? kDone : kTaskFailed;
}

}  // namespace berth::cli
