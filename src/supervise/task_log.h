// SPDX-License-Identifier: Apache-2.0
// One ordered log per task, <task directory>/log.jsonl, written by the thread "logs" alone.
//
// On disk: "<source>:<end offset> <json>\n" per record. Sources: "d" the daemon (the offset is the
// record's key), "<attempt>e" the events file, "<attempt>o" / "<attempt>r" the stdout / stderr of
// that attempt (logical byte offsets behind what the record was made from), "l" the record that
// says the log is full. Since every record names the place it was made from, a log that was torn
// anywhere is continued exactly: the torn last line goes, and each source is read on from the last
// offset it has in the log.
//
// Records for clients: {"timestamp","level","message"} and, where given, "metrics", "step",
// "stage", "stream" ("stdout" | "stderr"). Daemon records: {"timestamp","level","code","args"}.
// What is no event becomes a WARNING record (the first ten, then every thousandth).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "model/request.h"
#include "supervise/task_event.h"

namespace berth::supervise {

struct LogOptions {
  bool standard_output = false;   // lines of stdout become records (INFO)
  bool standard_error = false;    // lines of stderr become records (WARNING)
  base::Bytes limit{64LL << 20};  // of log.jsonl; then one WARNING, daemon records still go in
};

struct LogNotice {
  model::TaskId task;
  std::uint64_t end_offset = 0;  // size of log.jsonl now
  /// In the order of the events file, all kinds but kLog. With `replayed` (first notice of a watch
  /// that found records of an earlier run of the daemon): what was reported then, again, as a
  /// summary: the latest 10,000 metrics, the last progress, checkpoint, result and failure.
  std::vector<TaskEvent> events;
  bool replayed = false;
};

/// The thread "logs". All functions may be called from any thread and return at once; what they
/// ask for is done in order. Callbacks run on the thread "logs": they must only post.
class LogThread {
 public:
  using NoticeCallback = std::function<void(std::vector<LogNotice>)>;
  using DoneCallback = std::function<void()>;
  /// `kept`: bytes of log and output on the disk, about.
  using ForgottenCallback = std::function<void(std::uint64_t kept)>;

  explicit LogThread(NoticeCallback on_notices);
  ~LogThread();  // finishes what was asked for, joins
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;

  /// Makes the task's log known, so that append works before there is an attempt. Reports its size.
  /// Doing it again changes nothing.
  void open(model::TaskId task, std::string task_directory);

  /// Follows an attempt (and opens the log). Doing it again changes nothing.
  void watch(model::TaskId task, std::string task_directory, int attempt,
             std::string attempt_directory, LogOptions options);

  /// A daemon record; "timestamp" is added when absent. With `key` > 0 a record whose key is not
  /// above every key in the log is dropped, so that a replayed journal does not write twice; keys
  /// then must grow. With 0 it is always written. A task never opened: dropped, logged.
  void append(model::TaskId task, base::json::object record, std::uint64_t key = 0);

  /// Reads the attempt's files to their end, then stops following it. `done` comes after the last
  /// notice. To be called when the shim is gone. Unknown attempts are done at once.
  void finish(model::TaskId task, int attempt, DoneCallback done);

  /// Stops everything about the task; with `delete_directory` removes its directory.
  void forget(model::TaskId task, bool delete_directory, ForgottenCallback done = {});

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace berth::supervise
