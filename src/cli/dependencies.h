// SPDX-License-Identifier: Apache-2.0
// The tasks that others come after (`berth run --after`).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/session.h"

namespace berth::cli {

/// By id, also of an array whose tasks are all come after: it stands for them then. A task that the
/// daemon does not know any more is not in it: it had ended.
using TaskStates = std::map<std::string, std::string>;

/// The ids in a TaskResponse's `after` and `after_any`, arrays for all of their tasks.
std::vector<std::string> dependencies(const base::json::object& task, const TaskStates& states);

/// Those of them that have not ended: what the task still waits for.
std::vector<std::string> unfinished(const base::json::object& task, const TaskStates& states);

/// States of what those of `tasks` that wait come after. Asks for each that is not one of `tasks`.
TaskStates states_of_dependencies(Session& session, const base::json::array& tasks);

}  // namespace berth::cli
