// SPDX-License-Identifier: Apache-2.0
// Arrays: tasks that are submitted together and seen, cancelled and removed as one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/routes.h"
#include "api/schema.h"

namespace berth::api {

/// What `array` of a request says: a number of tasks, or indices as Slurm writes them ("0-9",
/// "1,3,5-7", "0-99:10"), with "%4" at most so many at a time.
struct ArraySpec {
  std::vector<int> indices;  // ascending
  int at_once = 0;           // 0: any number
};
inline constexpr int kMostArrayTasks = 10'000;

/// std::nullopt when no array is asked for, and after a violation, which is in `fields`.
std::optional<ArraySpec> read_array(Fields& fields);

/// Submits a task like `record` for each index; all or none. Answers with the array.
void submit_array(Service& service, const http::Request& request, http::Exchange exchange,
                  const model::TaskRecord& record, const ArraySpec& spec);

using ArrayTasks = std::vector<std::shared_ptr<const model::TaskRecord>>;

/// The array as one object.
base::json::object array_response(const std::string& id, const ArrayTasks& tasks,
                                  Language language);

enum class ArrayAction : std::uint8_t { kCancel, kRemove, kHold, kRelease };
/// On all tasks of the array that are in a state for it; 409 when none is. Removing takes all or
/// none.
void act_on_array(Service& service, const http::Request& request, http::Exchange exchange,
                  const std::string& id, ArrayAction action);

}  // namespace berth::api
