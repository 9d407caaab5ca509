// SPDX-License-Identifier: Apache-2.0
// Built-in tasks that are followed with a line of progress: infer, benchmark, data.
#pragma once

#include <functional>
#include <string_view>

#include "base/json.h"

namespace berth::cli {

struct ShownTask {
  std::string_view path;  // of the route
  base::json::object body;
  bool detach = false;  // print the id, do not follow
  bool json = false;    // print the result as it is
  /// Prints for people what came out; the result is nullptr where there is none.
  std::function<void(const base::json::object& task, const base::json::object* result)> show;
};

/// Submits, follows, tells a failure, and gives the verb's exit status.
int run_shown(ShownTask task);

}  // namespace berth::cli
