// SPDX-License-Identifier: Apache-2.0
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

constexpr std::size_t kRowsShown = 20;

const json::object* result_of(const json::object& task) {
  const json::value* result = task.if_contains("result");
  return result != nullptr && result->is_object() ? &result->as_object() : nullptr;
}

int show_result(const std::string& id, json::object task, bool as_json) {
  if (result_of(task) == nullptr) {  // the event may leave out what is large
    if (auto session = Session::open()) {
      if (auto full = session->object("/api/v2/inference/" + http::percent_encode(id)))
        task = std::move(*full);
    }
  }
  const json::object* result = result_of(task);
  if (as_json) {
    print(base::to_text(result != nullptr ? json::value(*result) : json::value(task)) + "\n");
  } else if (result != nullptr) {
    print(render_predictions(*result, base::string_or(task, "result_path"), kRowsShown,
                             screen_of(1)));
  } else {
    const std::string where =
        base::string_or(task, "result_path", base::string_or(task, "save_path"));
    print(tr("done; the results are in {}", {printable(where)}) + "\n");
  }
  return kDone;
}

}  // namespace

int infer(const InferOptions& options) {
  json::object body{{"weight_path", options.weights.empty() ? "" : absolute_path(options.weights)},
                    {"source_path", absolute_path(options.source)},
                    {"device", options.device},
                    {"priority", options.priority}};
  if (!options.boxes.empty()) {
    json::object detector = options.detector;
    detector["boxes_path"] = absolute_path(options.boxes);
    body["detector"] = std::move(detector);
  }
  for (const auto& field : options.more) body[field.key()] = field.value();
  if (!options.cfg.empty()) body["cfg_path"] = absolute_path(options.cfg);
  if (!options.save.empty()) body["save_path"] = absolute_path(options.save);
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.task_id.empty()) body["task_id"] = options.task_id;
  const Screen screen = screen_of(2);
  LiveLine live(2, screen);
  Builtin task{"/api/v2/inference/start", std::move(body), options.detach, {}, {}, {}, {}};
  task.on_change = [&](const json::object& state) {
    if (!is_final(state)) live.update(progress_line(state, base::now(), screen));
  };
  task.on_left = [&] { live.clear(); };
  task.on_end = [&](const json::object& end, const std::string& id) {
    if (base::string_or(end, "status") == "completed") return show_result(id, end, options.json);
    print_error(paint(tr("failed: {}", {printable(failure(end))}), Tone::kBad, screen) + "\n  " +
                tr("berth logs {} has the details", {short_id(id)}) + "\n");
    return kTaskFailed;
  };
  return run_builtin(task);
}

}  // namespace berth::cli
