// SPDX-License-Identifier: Apache-2.0
// What run, train and infer have in common.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace berth::cli {

/// Posts `body` and gives the id of the task accepted; with kNotReachable and the like as
/// session.h.
base::Result<base::json::object> submit(std::string_view path, const base::json::object& body);

/// A built-in task as a verb runs it.
struct Builtin {
  std::string_view path;  // of the route
  base::json::object body;
  bool detach = false;  // print the id, do not follow
  std::function<void(const std::string& id)> on_accepted;
  std::function<void(const base::json::object& task)> on_change;
  std::function<void()> on_left;  // followed no longer, before anything else is said
  /// The final task: what the verb's exit status is.
  std::function<int(const base::json::object& task, const std::string& id)> on_end;
};
/// Submits, follows without the task's output, and gives the verb's exit status.
int run_builtin(const Builtin& task);

/// The caller's environment as a JSON object, without BERTH_TOKEN and what is not UTF-8.
base::json::object caller_environment();

}  // namespace berth::cli
