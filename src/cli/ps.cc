// SPDX-License-Identifier: Apache-2.0
#include "cli/drain_text.h"
#include "cli/members.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_list.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

namespace {

QueueView queue_view(Session& session, const base::json::object& answer) {
  const base::json::array* tasks = array_in(answer, "tasks");
  if (tasks == nullptr) return {};
  const auto drains = session.object("/api/v2/resources/drain");
  return {states_of_dependencies(session, *tasks), drains && machine_is_drained(*drains)};
}

}  // namespace

int ps(const PsOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto answer = session->object("/api/v2/tasks?limit=" + std::to_string(options.limit) +
                                      (options.all ? "" : "&status=live"));
  if (!answer) return report(answer.error());
  if (options.json) {
    base::json::object list;
    for (const char* key : {"tasks", "total"}) {
      if (const auto* value = answer->if_contains(key)) list[key] = *value;
    }
    print(base::to_text(list) + "\n");
    return kDone;
  }
  const std::string text =
      render_tasks(*answer, queue_view(*session, *answer), base::now(), screen_of(1));
  if (!text.empty())
    print(text);
  else
    print_error((options.all
                     ? tr("no tasks yet (berth run -- COMMAND starts one)")
                     : tr("nothing is running or waiting (berth ps --all shows what has ended)")) +
                "\n");
  return kDone;
}

}  // namespace berth::cli
