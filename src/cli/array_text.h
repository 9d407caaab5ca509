// SPDX-License-Identifier: Apache-2.0
// Arrays of tasks (`berth run --array`) as text. Pure: from JSON to text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/screen.h"

namespace berth::cli {

/// Indices in Slurm's syntax, as they were given: "0-9", "1,3,5-7", "0-99:10", each with "%4" at
/// its end for at most 4 at a time. Errors say what would be right.
base::Result<std::string> parse_array(const std::string& text);

/// Whether an answer of /api/v2/tasks/{id} is about an array.
bool is_array(const base::json::object& task);

/// The id of the array that a task is one of; empty when it is none's.
std::string array_of(const base::json::object& task);

/// The task's place in its array; 0 when it is none's.
std::int64_t index_in_array(const base::json::object& task);

/// "0f3c8a11_3", "0f3c8a11_[0-3,7]": tasks of the array, whose indices have at most `most` columns.
std::string tasks_of_array(const std::string& id, std::vector<std::int64_t> indices,
                           std::size_t most);

/// "0-3,7,9-11"; evenly spaced ones as "0-90:10". Cut with "..." to `most` columns.
std::string ranges(std::vector<std::int64_t> indices, std::size_t most);

/// "3 completed, 4 running, 3 queued" in the order of a task's life.
std::string counts_text(const base::json::object& array);

/// How many of an array's tasks are in this state.
std::int64_t count_of(const base::json::object& array, std::string_view state);

/// The line that is drawn while an array is followed: a bar, and how many have ended.
std::string array_progress(const base::json::object& array, const Screen& screen);

/// Why an array has not completed, in words; empty when it has.
std::string array_failure(const base::json::object& array);

/// That `berth <verb>` takes one of the array's tasks and not the array.
base::Error name_one_of(const base::json::object& array, const std::string& verb);

/// `berth show` of an array.
std::string render_array(const base::json::object& array, base::Time now, const Screen& screen);

}  // namespace berth::cli
