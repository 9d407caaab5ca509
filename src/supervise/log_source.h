// SPDX-License-Identifier: Apache-2.0
// The files of an attempt as sources of log records and events. Internal to this folder; used by
// the thread "logs" only.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervise/log_file.h"
#include "supervise/log_lines.h"
#include "supervise/log_reader.h"
#include "supervise/task_event.h"

namespace berth::supervise {

/// The events file. It is always read from its start: up to `resume_at`, the last offset in the
/// log, only to know again what was reported before, and how many lines were no events.
class EventSource {
 public:
  EventSource(const std::string& attempt_directory, int attempt, std::uint64_t resume_at);

  /// Reads at most `max_bytes`; true when there is more. New events other than logs go to `events`.
  bool read(std::size_t max_bytes, std::string_view now, LogFile& log,
            std::vector<TaskEvent>& events);
  /// The last line, when it has no line feed.
  void end(std::string_view now, LogFile& log, std::vector<TaskEvent>& events);
  /// What was reported before, once, when all of that has been read.
  std::vector<TaskEvent> take_replay();

 private:
  void on_line(std::string_view line, std::size_t length, std::uint64_t end_offset,
               std::string_view now, LogFile& log, std::vector<TaskEvent>& events);
  void on_malformed(std::string_view line, std::size_t length, const std::string& why,
                    std::uint64_t end_offset, std::string_view now, LogFile& log);
  void remember(TaskEvent event);

  std::string path_;
  int attempt_;
  std::string source_;
  std::uint64_t resume_at_;
  EventLines lines_;
  std::uint64_t malformed_ = 0;
  std::deque<TaskEvent> old_metrics_;
  std::optional<TaskEvent> old_progress_, old_checkpoint_, old_result_, old_failure_;
};

/// stdout or stderr, line by line.
class OutputSource {
 public:
  OutputSource(std::string attempt_directory, OutputStream stream, int attempt,
               std::uint64_t resume_at);
  /// The name under which the log knows it.
  static std::string source_name(OutputStream stream, int attempt);

  bool read(std::size_t max_bytes, std::string_view now, LogFile& log);
  void end(std::string_view now, LogFile& log);

  /// Bytes read so far.
  [[nodiscard]] std::uint64_t offset() const { return lines_.offset(); }

 private:
  [[nodiscard]] bool nothing_new() const;
  OutputLines::Emit emitter(std::string_view now, LogFile& log) const;

  std::string directory_;
  std::string path_;
  std::uint64_t inode_ = 0;  // of the file at path_ when it was last read, and where it begins
  std::uint64_t start_ = 0;
  OutputStream stream_;
  std::string source_;
  OutputLines lines_;
};

std::string event_source_name(int attempt);

}  // namespace berth::supervise
