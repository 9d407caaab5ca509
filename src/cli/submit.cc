// SPDX-License-Identifier: Apache-2.0
#include "cli/submit.h"

#include <unistd.h>

#include "base/text.h"
#include "cli/follow.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

base::Result<json::object> submit(std::string_view path, const json::object& body) {
  auto session = Session::open();
  if (!session) return base::fail(session.error());
  auto answer = session->post(path, body);
  if (!answer) {
    base::Error error = answer.error();
    if (error.code == base::ErrorCode::kUnauthorized && daemon_token().empty()) {
      error.message += "\n  " + tr("no token was found: set BERTH_TOKEN, or make the daemon's "
                                   "<state-dir>/token readable");
    }
    return base::fail(std::move(error));
  }
  if (!answer->is_object() || base::string_or(answer->as_object(), "task_id").empty()) {
    return base::fail(base::ErrorCode::kInternal,
                      tr("the daemon accepted the task but gave it no id"));
  }
  return std::move(answer->as_object());
}

int run_builtin(const Builtin& task) {
  const auto accepted = submit(task.path, task.body);
  if (!accepted) return report(accepted.error());
  const std::string id = base::string_or(*accepted, "task_id");
  if (task.detach) {
    print(id + "\n");
    return kDone;
  }
  if (task.on_accepted) task.on_accepted(id);
  FollowOptions how;
  how.out = how.err = -1;
  how.announce = screen_of(2).live;
  how.on_change = task.on_change;
  const auto end = follow(id, how);
  task.on_left();
  if (!end) return report(end.error());
  return task.on_end(*end, id);
}

json::object caller_environment() {
  json::object result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const std::string_view name = text.substr(0, equals);
    if (name == "BERTH_TOKEN" || base::to_utf8(text) != text) continue;
    result[json::string_view(name.data(), name.size())] = std::string(text.substr(equals + 1));
  }
  return result;
}

}  // namespace berth::cli
