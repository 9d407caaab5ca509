// SPDX-License-Identifier: Apache-2.0
#include "cli/dependencies.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/array_text.h"
#include "cli/members.h"
#include "cli/task_text.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

std::vector<std::string> ids_in(const json::object& task) {
  std::vector<std::string> ids;
  for (const char* member : {"after", "after_any"}) {
    const json::array* after = array_in(task, member);
    for (std::size_t i = 0; after != nullptr && i < after->size(); ++i) {
      if ((*after)[i].is_string()) ids.emplace_back((*after)[i].as_string());
    }
  }
  return ids;
}

// What the id would be of an array that the task of this id is one of; empty when it cannot be.
std::string possible_array(const std::string& id) {
  const auto mark = id.rfind('_');
  if (mark == std::string::npos || !base::parse_number(std::string_view(id).substr(mark + 1)))
    return "";
  return id.substr(0, mark);
}

// Whether all tasks of the array are among `ids`.
bool covers(const std::vector<std::string>& ids, const json::object& array) {
  const json::array* tasks = array_in(array, "tasks");
  const std::set<std::string_view> given(ids.begin(), ids.end());
  return tasks != nullptr && std::ranges::all_of(*tasks, [&](const json::value& task) {
           return task.is_string() && given.contains(std::string_view(task.as_string()));
         });
}

}  // namespace

std::vector<std::string> dependencies(const json::object& task, const TaskStates& states) {
  std::vector<std::string> ids;
  std::set<std::string> arrays;
  for (const std::string& id : ids_in(task)) {
    const std::string array = possible_array(id);
    if (array.empty() || !states.contains(array))
      ids.push_back(id);
    else if (arrays.insert(array).second)
      ids.push_back(array);
  }
  return ids;
}

std::vector<std::string> unfinished(const json::object& task, const TaskStates& states) {
  std::vector<std::string> ids = dependencies(task, states);
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
  std::set<std::string> no_arrays;
  for (const json::value& item : tasks) {
    if (!item.is_object() || is_final(item.as_object())) continue;
    const std::vector<std::string> ids = ids_in(item.as_object());
    for (const std::string& id : ids) {
      const std::string stem = possible_array(id);
      if (result.contains(id) || (!stem.empty() && result.contains(stem))) continue;
      if (!stem.empty() && !no_arrays.contains(stem)) {
        const auto array = session.object(task_path(stem));
        if (array && is_array(*array) && covers(ids, *array)) {
          result[stem] = string_or(*array, "status");
          continue;
        }
        no_arrays.insert(stem);
      }
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
