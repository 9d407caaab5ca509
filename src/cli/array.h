// SPDX-License-Identifier: Apache-2.0
// Staying with an array of tasks until all of them have ended.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace berth::cli {

/// Calls `on_state` with the array now and then until it is final, and gives it. A daemon that is
/// away is waited for; see follow.h.
base::Result<base::json::object> watch_array(
    const std::string& id, const std::function<void(const base::json::object& array)>& on_state);

/// `berth run --array`: a line of progress on a terminal, Ctrl-C cancels all of it, and in the end
/// what went wrong. `accepted` is the answer to the submission; returns the exit status.
int follow_array(const base::json::object& accepted);

/// The exit status of a final array: that of the first of its tasks that failed. Says on standard
/// error which have not completed; nothing when all have.
int end_of_array(const base::json::object& array);

}  // namespace berth::cli
