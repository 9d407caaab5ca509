// SPDX-License-Identifier: Apache-2.0
// Staying with a task until it ends: its output, its changes, Ctrl-C. A daemon that restarts
// meanwhile is connected to again, and the output goes on where it stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "http/client.h"
#include "http/event_reader.h"

namespace berth::cli {

struct FollowOptions {
  // Where the task's raw output goes; -1: nowhere.
  int out = 1;
  int err = 2;
  /// The task is ours: Ctrl-C cancels it (a second one ends the waiting for its end), and so does a
  /// reader of our output that goes away. Else both end only the looking on.
  bool ours = true;
  bool announce = false;  // while it waits say why, on standard error, once per change
  std::chrono::milliseconds announce_after{0};  // when it has waited for so long; 0: soon
  /// Every state of the task as it is known, from the thread that called follow().
  std::function<void(const base::json::object& task)> on_change;
};

/// The final TaskResponse, once all of its output is written. An error when the task is gone or the
/// daemon stays away for kPatienceSeconds; the task itself then goes on.
base::Result<base::json::object> follow(const std::string& id, const FollowOptions& options);

/// How long a daemon may be away before it is given up.
inline constexpr int kPatienceSeconds = 60;
/// Says that it is away and for how long it is waited for.
void note_absence();
/// That it has been given up.
base::Error still_away(const std::string& id);

/// Reads the task's server-sent events at `rest` ("/logs", "/events") until `on_event` returns
/// false. A stream that breaks, ends before that or falls silent is opened again and goes on after
/// the last event; errors are those of follow().
base::Status follow_events(const std::string& id, std::string_view rest,
                           const http::EventReader::OnEvent& on_event);

/// Calls `on_change` with every state of the task until it is final.
base::Result<base::json::object> watch_task(
    const std::string& id, const std::function<void(const base::json::object& task)>& on_change);

/// The daemon keeps the newest output only: what a reader comes too late for is said on standard
/// error. Where what is kept begins, when `answer` (of /output/...?exact=true) tells of such a gap.
std::optional<std::uint64_t> skip_lost(const http::ClientResponse& answer, std::uint64_t offset,
                                       const std::string& name);

}  // namespace berth::cli
