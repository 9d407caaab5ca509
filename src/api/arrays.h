// SPDX-License-Identifier: Apache-2.0
// Arrays: tasks that are submitted together and seen, cancelled and removed as one.
#pragma once

#include <functional>
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

/// What can be done to every task of an array.
struct ArrayAction {
  std::function<void(Service&, const model::TaskId&, Service::DoneCallback)> act;
  bool (*suits)(const model::TaskRecord& task);  // is in a state for it
  std::string_view done;                         // of say()
  std::string_view why_not;                      // when it suits none, or not all where it must
  bool all_or_none = false;
};

ArrayAction cancel_all();
ArrayAction remove_all();
ArrayAction hold_all(bool on);
ArrayAction set_priority_of_all(int priority);

/// On all tasks of the array that are in a state for it; 409 when none is.
void act_on_array(Service& service, const http::Request& request, http::Exchange exchange,
                  const std::string& id, const ArrayAction& action);

}  // namespace berth::api
