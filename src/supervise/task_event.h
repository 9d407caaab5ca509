// SPDX-License-Identifier: Apache-2.0
// What a task says by appending JSON lines to BERTH_EVENTS (contract, section 6), parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace berth::supervise {

struct TaskEvent {
  enum class Kind : std::uint8_t { kProgress, kMetrics, kCheckpoint, kResult, kLog, kFailure };
  Kind kind = Kind::kLog;
  int attempt = 1;
  std::string time;  // ISO 8601 as the task gave it; empty: it did not

  double value = 0;                                         // kProgress, 0..1
  std::optional<std::int64_t> current_epoch, total_epochs;  // kProgress
  std::optional<std::int64_t> done, total;  // kProgress: files of a task that works through some
  base::json::object data;                  // kMetrics, kResult; kLog: its metrics, may be empty
  std::optional<std::int64_t> step;         // kMetrics, kLog
  std::string stage;                        // kMetrics, kLog; may be empty
  std::string path;                         // kCheckpoint
  std::string level;                        // kLog: INFO, WARNING or ERROR
  std::string message;                      // kLog, kFailure; elsewhere as given, may be empty
  std::string code, file;                   // kFailure
};

/// One line without its line feed. kBadRequest with the reason for what is no event. Bare NaN and
/// Infinity, which Python's json module writes, are read as null.
base::Result<TaskEvent> parse_event(std::string_view line, int attempt);

/// The record for clients, {"timestamp","level","message",...}; std::nullopt for the kinds that
/// make none (progress, result, failure). `now` stands in where the task gave no time.
std::optional<base::json::object> to_record(const TaskEvent& event, std::string_view now);

}  // namespace berth::supervise
