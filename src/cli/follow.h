// SPDX-License-Identifier: Apache-2.0
// Staying with a task until it ends: its output, its changes, Ctrl-C. A daemon that restarts
// meanwhile is connected to again, and the output goes on where it stopped.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace berth::cli {

struct FollowOptions {
  bool output = true;         // the task's stdout and stderr to ours, raw
  bool interruptible = true;  // Ctrl-C once cancels the task and waits, twice leaves it
  bool announce = false;      // while it waits say why, on standard error, once per change
  /// Every state of the task as it is known, from the thread that called follow().
  std::function<void(const base::json::object& task)> on_change;
};

/// The final TaskResponse. An error when the task is gone or the daemon stays away for
/// kPatience; the task itself then goes on.
base::Result<base::json::object> follow(const std::string& id, const FollowOptions& options);

/// How long a daemon may be away before follow() gives up.
inline constexpr int kPatienceSeconds = 60;

/// Calls `on_change` with every state of the task until it is final; reconnects as follow() does.
base::Result<base::json::object> watch_task(
    const std::string& id, const std::function<void(const base::json::object& task)>& on_change);

}  // namespace berth::cli
