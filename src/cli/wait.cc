// SPDX-License-Identifier: Apache-2.0
#include "cli/array.h"
#include "cli/array_text.h"
#include "cli/follow.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

int wait(const std::vector<std::string>& ids) {
  // All ids are looked up before the first is waited for, so that a wrong one is told at once.
  std::vector<json::object> tasks;
  {
    auto session = Session::open();
    if (!session) return report_own_failure(session.error());
    for (const std::string& id : ids) {
      auto task = session->task(id);
      if (!task) return report_own_failure(task.error());
      tasks.push_back(std::move(*task));
    }
  }
  int status = kDone;
  for (const json::object& task : tasks) {
    const std::string id = base::string_or(task, "task_id");
    const auto end = is_array(task) ? watch_array(id, {}) : watch_task(id, {});
    int own = kDone;
    if (!end)
      own = report_own_failure(end.error());
    else if (is_array(task))
      own = end_of_array(*end);
    else
      own = exit_status(*end);
    if (end && own != kDone && !is_array(task))
      note(tr("task {}: {}", {short_id(id), printable(failure(*end))}));
    if (status == kDone) status = own;
  }
  return status;
}

}  // namespace berth::cli
