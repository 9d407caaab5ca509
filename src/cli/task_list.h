// SPDX-License-Identifier: Apache-2.0
// `berth ps` as text. Pure: from JSON to text.
#pragma once

#include <string>

#include "base/json.h"
#include "base/time.h"
#include "cli/dependencies.h"
#include "cli/screen.h"

namespace berth::cli {

/// What the tasks' own records do not tell of why they wait.
struct QueueView {
  TaskStates states;     // of the tasks that they come after
  bool drained = false;  // nothing new starts on the whole machine
};

/// What a task is called: its name, what it does, or its command.
std::string title_text(const base::json::object& task);

/// How far it is, how it ended, or, while it waits, for what.
std::string detail_text(const base::json::object& task, const QueueView& queue,
                        std::size_t id_length, base::Time now);

/// How many rows the list has: the tasks that wait of one array share one.
std::size_t count_rows(const base::json::array& tasks);

/// The tasks of the first `most` rows.
base::json::array first_rows(const base::json::array& tasks, std::size_t most);

/// `answer` is that of GET /api/v2/tasks; empty without tasks. Users are shown when there are
/// several.
std::string render_tasks(const base::json::object& answer, const QueueView& queue, base::Time now,
                         const Screen& screen);

}  // namespace berth::cli
