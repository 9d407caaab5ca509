// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

namespace {

// Does `act` to every task, and says what `done` has to say of it; goes on after a failure and ends
// with the first one's status.
template <class Done, class Act>
int for_each_task(const std::vector<std::string>& ids, Done done, Act act) {
  auto session = Session::open();
  if (!session) return report(session.error());
  int status = kDone;
  for (const std::string& id : ids) {
    const auto task = session->task(id);
    const std::string full = task ? base::string_or(*task, "task_id") : id;
    const auto answer =
        task ? act(*session, full) : base::Result<base::json::value>(base::fail(task.error()));
    if (answer) {
      print(done(*session, full) + "\n");
    } else {
      const int own = report(answer.error());
      if (status == kDone) status = own;
    }
  }
  return status;
}

}  // namespace

int cancel(const std::vector<std::string>& ids) {
  return for_each_task(
      ids,
      [](Session& session, const std::string& id) {
        // What runs takes its time to end.
        const auto task = session.task(id);
        return task && !is_final(*task) ? tr("{} is being cancelled", {id})
                                        : tr("{} cancelled", {id});
      },
      [](Session& session, const std::string& id) {
        return session.post(task_path(id, "/cancel"));
      });
}

int rm(const std::vector<std::string>& ids) {
  return for_each_task(
      ids, [](Session&, const std::string& id) { return tr("{} removed", {id}); },
      [](Session& session, const std::string& id) { return session.remove(task_path(id)); });
}

int hold(const std::vector<std::string>& ids) {
  return for_each_task(
      ids, [](Session&, const std::string& id) { return tr("{} on hold", {id}); },
      [](Session& session, const std::string& id) { return session.post(task_path(id, "/hold")); });
}

int release(const std::vector<std::string>& ids) {
  return for_each_task(
      ids, [](Session&, const std::string& id) { return tr("{} released", {id}); },
      [](Session& session, const std::string& id) {
        return session.post(task_path(id, "/release"));
      });
}

int set_priority(const std::vector<std::string>& ids, int priority) {
  const std::string number = std::to_string(priority);
  return for_each_task(
      ids,
      [&](Session&, const std::string& id) { return tr("{} has priority {} now", {id, number}); },
      [&](Session& session, const std::string& id) {
        return session.post(task_path(id, "/priority"), {{"priority", priority}});
      });
}

}  // namespace berth::cli
