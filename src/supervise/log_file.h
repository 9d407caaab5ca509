// SPDX-License-Identifier: Apache-2.0
// The writing side of one log.jsonl (task_log.h has the format). Keeps no descriptor open, so ten
// thousand queued tasks cost none. Internal to this folder; used by the thread "logs" only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"

namespace berth::supervise {

inline constexpr char kDaemonSource[] = "d";
inline constexpr char kLimitSource[] = "l";

class LogFile {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)) {}

  /// Cuts off a torn last line and finds the last offset of each source. No file is an empty one.
  base::Status recover();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t last_offset(std::string_view source) const;
  void set_limit(base::Bytes limit) { limit_ = limit; }

  /// Takes a record; flush() writes it. From a source other than the daemon only while the log is
  /// below its limit and the offset above the last one.
  void add(std::string_view source, std::uint64_t end_offset, const base::json::object& record,
           std::string_view now);
  /// Writes all records taken. After a failure the file is what it was and the records are kept.
  base::Status flush();
  [[nodiscard]] bool has_unwritten() const { return !unwritten_.empty(); }

 private:
  void take_line(std::string_view line);
  void put(std::string_view source, std::uint64_t end_offset, const base::json::object& record);

  std::string path_;
  base::Bytes limit_{64LL << 20};
  std::uint64_t size_ = 0;
  bool full_ = false;
  std::string unwritten_;
  std::map<std::string, std::uint64_t, std::less<>> offsets_;
};

/// "<source>:<offset> <json>" without line feed, in parts; false when the line is none.
struct LogLine {
  std::string_view source;
  std::uint64_t offset = 0;
  std::string_view json;
};
bool parse_log_line(std::string_view line, LogLine* parsed);

}  // namespace berth::supervise
