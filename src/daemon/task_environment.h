// SPDX-License-Identifier: Apache-2.0
// The environment and the argument vector that a task is started with (contract: section 6).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/account.h"
#include "model/record.h"

namespace berth::daemon {

struct Grant {
  std::vector<model::Device> devices;    // of the placement, in order
  int threads = 1;                       // processor cores for a built-in task
  std::vector<model::Device> withheld;   // the machine's other GPUs
  std::string nvidia_driver;             // version, may be empty
  std::optional<base::Account> account;  // of TaskRecord::run_as, where there is one
};

/// What the task gets beside what the launcher sets: the client's variables (a command), what a
/// program needs to run at all (PATH, HOME, LANG; HOME, USER, LOGNAME and SHELL of the user that it
/// runs as), then ours, which nothing overrides:
/// BERTH_DEVICE, BERTH_MEMORY_LIMIT (bytes), the vendor's visible-devices variable with UUIDs,
/// CUDA_DEVICE_ORDER. Where the client set none of its own there are hints for allocators
/// (allocator_hints.h). On the processor CUDA_VISIBLE_DEVICES is empty, so that a task does not
/// take a GPU that it was not given.
std::vector<std::string> task_environment(const model::TaskRecord& record, const Grant& grant);

/// Of the GPU with the least; std::nullopt without a GPU, or where one does not say.
std::optional<base::Bytes> least_memory(const Grant& grant);

/// The program that runs built-in tasks of this type, beside berthd, and its first argument.
std::pair<std::string_view, std::string_view> worker_for(std::string_view type);

/// The specification of a built-in task for its worker: the request, the device as the task sees
/// it, the cores granted.
base::json::object worker_specification(const model::TaskRecord& record, const Grant& grant);

}  // namespace berth::daemon
