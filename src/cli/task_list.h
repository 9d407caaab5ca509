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

/// `answer` is that of GET /api/v2/tasks; empty without tasks.
std::string render_tasks(const base::json::object& answer, const QueueView& queue, base::Time now,
                         const Screen& screen);

}  // namespace berth::cli
