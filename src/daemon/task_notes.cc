// SPDX-License-Identifier: Apache-2.0
#include "daemon/task_notes.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "base/time.h"

namespace berth::daemon {

namespace {

using base::json::array;
using base::json::object;

// They grow through the life of a task.
constexpr std::uint64_t kKeyWaiting = 1;
constexpr std::uint64_t kKeyFallback = 2;
constexpr std::uint64_t key_of(int attempt, std::uint64_t phase) {
  return static_cast<std::uint64_t>(attempt) * 16 + phase;
}
constexpr std::uint64_t kOnProcessor = 2, kAllocated = 3, kStarted = 4, kNotStarted = 5,
                        kMemoryOver = 6, kMemoryLimit = 7, kCancelRequested = 8, kDeviceLost = 9,
                        kTriedAgain = 14, kEnded = 15;

}  // namespace

void TaskNotes::write(const model::TaskId& id, std::string_view level, std::string_view code,
                      array arguments, std::uint64_t key) {
  supervisor_.append_log(
      id, object{{"level", level}, {"code", code}, {"args", std::move(arguments)}}, key);
}

void TaskNotes::queued(const model::TaskRecord& task) {
  supervisor_.open_log(task.id());
  std::string device = task.request.selector.text;
  if (device.empty()) device = "auto";
  std::transform(device.begin(), device.end(), device.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  write(task.id(), "INFO", "waiting", {device}, kKeyWaiting);
  if (task.fallback == "no_gpu" || task.fallback == "worker_without_gpu")
    write(task.id(), "INFO", task.fallback, {}, kKeyFallback);
}

void TaskNotes::allocated(const model::TaskRecord& task) {
  if (task.fallback == "gpus_busy")
    write(task.id(), "INFO", "gpus_busy", {}, key_of(task.attempt, kOnProcessor));
  write(task.id(), "INFO", "allocated", {task.device}, key_of(task.attempt, kAllocated));
}

void TaskNotes::started(const model::TaskRecord& task) {
  write(task.id(), "INFO", "started", {task.type}, key_of(task.attempt, kStarted));
}

void TaskNotes::not_started(const model::TaskId& id, int attempt, const model::Refusal& why) {
  const std::string available = base::to_text(why.available);
  const auto key = key_of(attempt, kNotStarted);
  if (why.code == base::RefusalCode::kMemory) {
    write(id, "WARNING", "memory_taken", {why.name, base::to_text(why.needed), available}, key);
  } else {
    write(id, "WARNING", "device_not_ready", {why.name, available}, key);
  }
}

void TaskNotes::stopping(const core::Stop& order, const std::string& device) {
  if (order.cause == "device_lost") {
    write(order.task, "ERROR", "device_lost", {device}, key_of(order.attempt, kDeviceLost));
  } else {
    write(order.task, "WARNING", "cancel_requested", {}, key_of(order.attempt, kCancelRequested));
  }
}

void TaskNotes::tried_again(const model::TaskRecord& task, const core::Requeued& again) {
  write(task.id(), "WARNING", "tried_again",
        {std::to_string(again.retries), std::to_string(task.request.retry.max),
         again.not_before ? base::iso8601(*again.not_before) : "",
         again.memory ? base::to_text(*again.memory) : "", again.fenced ? "fenced" : ""},
        key_of(again.attempt, kTriedAgain));
}

void TaskNotes::memory_over(const model::TaskId& id, int attempt, const std::string& device,
                            base::Bytes used, base::Bytes reserved, bool ending) {
  write(id, ending ? "ERROR" : "WARNING", ending ? "memory_limit" : "memory_over",
        {device, base::to_text(used), base::to_text(reserved)},
        key_of(attempt, ending ? kMemoryLimit : kMemoryOver));
}

void TaskNotes::ended(const model::TaskRecord& task) {
  const auto key = key_of(task.attempt, kEnded);
  switch (task.state) {
    case model::TaskState::kCompleted:
      return write(task.id(), "INFO", "completed", {task.type}, key);
    case model::TaskState::kCancelled:
      return write(task.id(), "WARNING", "cancelled", {}, key);
    default:
      write(task.id(), "ERROR", "failed", {task.type, task.failure ? task.failure->message : ""},
            key);
  }
}

}  // namespace berth::daemon
