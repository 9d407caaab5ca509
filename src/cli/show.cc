// SPDX-License-Identifier: Apache-2.0
#include "cli/array_text.h"
#include "cli/explain_text.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/verbs.h"

namespace berth::cli {

namespace {

std::string reason_to_wait(Session& session, const base::json::object& task) {
  if (base::string_or(task, "status") != "queued") return "";
  const auto explanation = session.object(task_path(base::string_or(task, "task_id"), "/explain"));
  // Without it the task is shown all the same.
  return explanation ? waiting_reason(*explanation) : "";
}

}  // namespace

int show(const ShowOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto task = session->task(options.id);
  if (!task) return report(task.error());
  if (options.json) {
    print(base::to_text(*task) + "\n");
    return kDone;
  }
  if (is_array(*task)) {
    print(render_array(*task, base::now(), screen_of(1)));
    return kDone;
  }
  const TaskStates states = states_of_dependencies(*session, {*task});
  print(render_task(*task, states, base::now(), screen_of(1), reason_to_wait(*session, *task)));
  return kDone;
}

}  // namespace berth::cli
