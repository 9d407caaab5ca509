// SPDX-License-Identifier: Apache-2.0
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
  json::object body{{"weight_path", absolute_path(options.weights)},
                    {"source_path", absolute_path(options.source)},
                    {"device", options.device},
                    {"priority", options.priority}};
  if (!options.cfg.empty()) body["cfg_path"] = absolute_path(options.cfg);
  if (!options.save.empty()) body["save_path"] = absolute_path(options.save);
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.task_id.empty()) body["task_id"] = options.task_id;
  const auto task = submit("/api/v2/inference/start", body);
  if (!task) return report(task.error());
  const std::string id = base::string_or(*task, "task_id");
  if (options.detach) {
    print(id + "\n");
    return kDone;
  }
  const Screen screen = screen_of(2);
  LiveLine live(2, screen);
  FollowOptions how;
  how.out = how.err = -1;
  how.announce = screen.live;
  how.on_change = [&](const json::object& state) {
    if (is_final(state))
      live.clear();
    else
      live.update(progress_line(state, base::now(), screen));
  };
  const auto end = follow(id, how);
  live.clear();
  if (!end) return report(end.error());
  if (base::string_or(*end, "status") != "completed") {
    print_error(paint(tr("failed: {}", {printable(failure(*end))}), Tone::kBad, screen) + "\n  " +
                tr("berth logs {} has the details", {short_id(id)}) + "\n");
    return kTaskFailed;
  }
  return show_result(id, *end, options.json);
}

}  // namespace berth::cli
