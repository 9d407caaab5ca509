// SPDX-License-Identifier: Apache-2.0
#include "cli/builtin.h"

#include "cli/builtin_text.h"
#include "cli/members.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/submit.h"
#include "cli/task_text.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

void show_result(const ShownTask& shown, json::object task, const std::string& id) {
  if (object_in(task, "result") == nullptr) {  // the event may leave out what is large
    if (auto session = Session::open()) {
      if (auto full = session->object(task_path(id))) task = std::move(*full);
    }
  }
  const json::object* result = object_in(task, "result");
  if (shown.json) {
    print(base::to_text(result != nullptr ? json::value(*result) : json::value(task)) + "\n");
  } else {
    shown.show(task, result);
  }
}

}  // namespace

int run_shown(ShownTask shown) {
  const Screen screen = screen_of(2);
  LiveLine live(2, screen);
  Builtin task{shown.path, std::move(shown.body), shown.detach, {}, {}, {}, {}};
  task.on_change = [&](const json::object& state) {
    if (!is_final(state)) live.update(progress_line(state, base::now(), screen));
  };
  task.on_left = [&] { live.clear(); };
  task.on_end = [&](const json::object& end, const std::string& id) {
    if (base::string_or(end, "status") == "completed") {
      show_result(shown, end, id);
      return kDone;
    }
    print_error(paint(ending(end), Tone::kBad, screen) + "\n  " +
                tr("berth logs {} has the details", {short_id(id)}) + "\n");
    return kTaskFailed;
  };
  return run_builtin(task);
}

}  // namespace berth::cli
