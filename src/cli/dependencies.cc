// SPDX-License-Identifier: Apache-2.0
#include "cli/dependencies.h"

#include <algorithm>

#include "cli/members.h"
#include "cli/task_text.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

std::vector<std::string> dependencies(const json::object& task) {
  std::vector<std::string> ids;
  for (const char* member : {"after", "after_any"}) {
    const json::array* after = array_in(task, member);
    for (std::size_t i = 0; after != nullptr && i < after->size(); ++i) {
      if ((*after)[i].is_string()) ids.emplace_back((*after)[i].as_string());
    }
  }
  return ids;
}

std::vector<std::string> unfinished(const json::object& task, const TaskStates& states) {
  std::vector<std::string> ids = dependencies(task);
  std::erase_if(ids, [&](const std::string& id) {
    const auto state = states.find(id);
    return state == states.end() || is_final_state(state->second);
  });
  return ids;
}

TaskStates states_of_dependencies(Session& session, const json::array& tasks) {
  TaskStates listed;
  for (const json::value& task : tasks) {
    if (task.is_object())
      listed[string_or(task.as_object(), "task_id")] = string_or(task.as_object(), "status");
  }
  TaskStates result;
  for (const json::value& item : tasks) {
    if (!item.is_object() || is_final(item.as_object())) continue;
    for (const std::string& id : dependencies(item.as_object())) {
      if (result.contains(id)) continue;
      if (const auto known = listed.find(id); known != listed.end()) {
        result.insert(*known);
      } else if (const auto task = session.object(task_path(id))) {
        result[id] = string_or(*task, "status");
      }
    }
  }
  return result;
}

}  // namespace berth::cli
