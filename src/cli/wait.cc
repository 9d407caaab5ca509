// SPDX-License-Identifier: Apache-2.0
#include "cli/follow.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

int wait(const std::vector<std::string>& ids) {
  // All ids are looked up before the first is waited for, so that a wrong one is told at once.
  std::vector<std::string> full;
  {
    auto session = Session::open();
    if (!session) return report_own_failure(session.error());
    for (const std::string& id : ids) {
      const auto task = session->task(id);
      if (!task) return report_own_failure(task.error());
      full.push_back(base::string_or(*task, "task_id"));
    }
  }
  int status = kDone;
  for (const std::string& id : full) {
    const auto end = watch_task(id, {});
    const int own = end ? exit_status(*end) : report_own_failure(end.error());
    if (end && own != 0)
      print_error("berth: " + tr("task {}: {}", {short_id(id), printable(failure(*end))}) + "\n");
    if (status == kDone) status = own;
  }
  return status;
}

}  // namespace berth::cli
