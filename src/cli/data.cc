// SPDX-License-Identifier: Apache-2.0
// berth data split, augment, crop.
#include "cli/builtin_text.h"
#include "cli/data_text.h"
#include "cli/members.h"
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

struct Work {
  std::string_view path;  // of the route
  json::object body;
};

Work split_work(const DataOptions& options) {
  json::object body{{"input_path", absolute_path(options.input)},
                    {"output_path", absolute_path(options.output)},
                    {"overwrite", options.overwrite},
                    {"link", options.link}};
  if (options.train_ratio) body["train_ratio"] = *options.train_ratio;
  if (options.val_ratio) body["val_ratio"] = *options.val_ratio;
  if (options.seed) body["seed"] = *options.seed;
  return {"/api/v2/preprocessing/split", std::move(body)};
}

Work augment_work(const DataOptions& options) {
  json::object body{{"dataset_path", absolute_path(options.input)},
                    {"output_path", absolute_path(options.output)}};
  if (!options.methods.empty())
    body["methods"] = json::array(options.methods.begin(), options.methods.end());
  if (options.seed) body["seed"] = *options.seed;
  return {"/api/v2/preprocessing/augment", std::move(body)};
}

Work crop_work(const DataOptions& options) {
  return {"/api/v2/preprocessing/crop", json::object{{"input_path", absolute_path(options.input)},
                                                     {"output_path", absolute_path(options.output)},
                                                     {"x", options.x},
                                                     {"y", options.y},
                                                     {"width", options.width},
                                                     {"height", options.height}}};
}

int show_stats(json::object task, const std::string& id, bool as_json) {
  const json::object* stats = object_in(task, "result");
  if (stats == nullptr) {  // the event may leave out what is large
    if (auto session = Session::open()) {
      if (auto full = session->object("/api/v2/tasks/" + http::percent_encode(id)))
        task = std::move(*full);
    }
    stats = object_in(task, "result");
  }
  if (as_json) {
    print(base::to_text(stats != nullptr ? json::value(*stats) : json::value(task)) + "\n");
  } else if (stats != nullptr) {
    print(render_data_stats(base::string_or(task, "task_type"), *stats, screen_of(1)));
  }
  return kDone;
}

}  // namespace

int data(const DataOptions& options) {
  Work work = options.work == DataWork::kSplit     ? split_work(options)
              : options.work == DataWork::kAugment ? augment_work(options)
                                                   : crop_work(options);
  work.body["priority"] = options.priority;
  if (!options.name.empty()) work.body["name"] = options.name;
  if (!options.task_id.empty()) work.body["task_id"] = options.task_id;
  const Screen screen = screen_of(2);
  LiveLine live(2, screen);
  Builtin task{work.path, std::move(work.body), options.detach, {}, {}, {}, {}};
  task.on_change = [&](const json::object& state) {
    if (!is_final(state)) live.update(progress_line(state, base::now(), screen));
  };
  task.on_left = [&] { live.clear(); };
  task.on_end = [&](const json::object& end, const std::string& id) {
    if (base::string_or(end, "status") == "completed") return show_stats(end, id, options.json);
    print_error(paint(tr("failed: {}", {printable(failure(end))}), Tone::kBad, screen) + "\n  " +
                tr("berth logs {} has the details", {short_id(id)}) + "\n");
    return kTaskFailed;
  };
  return run_builtin(task);
}

}  // namespace berth::cli
