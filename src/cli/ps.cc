// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "cli/drain_text.h"
#include "cli/members.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_list.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "http/request.h"

namespace berth::cli {

namespace json = base::json;

namespace {

// As many tasks as an answer may have.
constexpr std::int64_t kPage = 1000;
// Of an array that waits so many tasks share a row: enough of them to see what else there is.
constexpr std::int64_t kMostRead = 20'000;

QueueView queue_view(Session& session, const json::object& answer) {
  const json::array* tasks = array_in(answer, "tasks");
  if (tasks == nullptr) return {};
  const auto drains = session.object("/api/v2/resources/drain");
  return {states_of_dependencies(session, *tasks), drains && machine_is_drained(*drains)};
}

base::Result<json::object> page(Session& session, const PsOptions& options, std::int64_t limit,
                                std::int64_t offset) {
  std::string path = "/api/v2/tasks?limit=" + std::to_string(limit);
  if (offset > 0) path += "&offset=" + std::to_string(offset);
  if (!options.all) path += "&status=live";
  if (!options.text.empty()) path += "&q=" + http::percent_encode(options.text);
  return session.object(path);
}

// The newest tasks: as many as make the rows asked for, and of one user all there are. "total"
// counts those of the user.
base::Result<json::object> tasks_for(Session& session, const PsOptions& options) {
  const auto most = static_cast<std::size_t>(options.limit);
  json::array tasks;
  std::set<std::string> ids;  // a task that comes meanwhile moves others to the next page
  std::int64_t total = 0;
  for (std::int64_t offset = 0, limit = options.limit;; offset += limit, limit = kPage) {
    auto answer = page(session, options, limit, offset);
    if (!answer) return answer;
    total = base::int_or(*answer, "total");
    const json::array* more = array_in(*answer, "tasks");
    if (more == nullptr || more->empty()) break;
    for (const json::value& item : *more) {
      if (!item.is_object()) continue;
      const json::object& task = item.as_object();
      const bool wanted = options.user.empty() || base::string_or(task, "user") == options.user;
      if (wanted && ids.insert(base::string_or(task, "task_id")).second) tasks.push_back(item);
    }
    if (offset + limit >= total) break;
    const bool enough = options.json || count_rows(tasks) >= most || offset + limit >= kMostRead;
    if (options.user.empty() && enough) break;
  }
  if (!options.user.empty()) total = static_cast<std::int64_t>(tasks.size());
  if (!options.json)
    tasks = first_rows(tasks, most);
  else if (tasks.size() > most)
    tasks.resize(most);
  return json::object{{"tasks", std::move(tasks)}, {"total", total}};
}

std::string nothing(const PsOptions& options) {
  if (!options.text.empty()) {
    return options.all
               ? tr("no task has \"{}\" in its id, name, user, device or command", {options.text})
               : tr("nothing with \"{}\" is running or waiting (berth ps --all shows what has "
                    "ended)",
                    {options.text});
  }
  if (!options.user.empty())
    return options.all ? tr("no tasks of {}", {options.user})
                       : tr("nothing of {} is running or waiting (berth ps --all shows what has "
                            "ended)",
                            {options.user});
  return options.all ? tr("no tasks yet (berth run -- COMMAND starts one)")
                     : tr("nothing is running or waiting (berth ps --all shows what has ended)");
}

}  // namespace

int ps(const PsOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto answer = tasks_for(*session, options);
  if (!answer) return report(answer.error());
  if (options.json) {
    print(base::to_text(*answer) + "\n");
    return kDone;
  }
  const std::string text =
      render_tasks(*answer, queue_view(*session, *answer), base::now(), screen_of(1));
  if (!text.empty())
    print(text);
  else
    print_error(nothing(options) + "\n");
  return kDone;
}

}  // namespace berth::cli
