// SPDX-License-Identifier: Apache-2.0
// The task's side of Berth's protocol: events as JSON lines appended to the file that BERTH_EVENTS
// names, and the same news as plain text on stdout (errors on stderr) for people.
// One line is one write() on an O_APPEND descriptor, so that lines of several writers never mix.
// All members may be called from any thread.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace berth::protocol {

enum class Level { kInfo, kWarning, kError };

/// Epoch counters that accompany the progress of a training task; both count from 1.
struct EpochCount {
  int current = 0;
  int total = 0;
};

class EventWriter {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  /// Appends to the file that BERTH_EVENTS names. Unset or empty: no events, only text. A file
  /// that cannot be opened is reported on stderr and then treated as unset: telling is not worth
  /// failing for.
  static EventWriter from_environment(bool text = true);

  /// `path` empty: no events. `text`: whether people's lines go to stdout and stderr.
  explicit EventWriter(
      const std::string& path, bool text = true,
      Clock clock = [] { return std::chrono::steady_clock::now(); });
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  /// One log line. `stage` is one of epoch_start, training, validation, epoch_end, completed, or
  /// empty; `metrics` holds what this line reports.
  void log(Level level, const std::string& message, std::string_view stage = {},
           boost::json::object metrics = {});
  void info(const std::string& message) { log(Level::kInfo, message); }
  void warning(const std::string& message) { log(Level::kWarning, message); }

  /// The share of FINISHED work, 0..1. Values below an earlier one are dropped; calls closer than
  /// 200 ms to the last event are dropped unless `value` is 1 or the epoch changed.
  void progress(double value, std::optional<EpochCount> epochs = std::nullopt);

  /// The same for a task that works through `total` files: 0.999 at most, since after the last one
  /// there is still the result to be told. The counts go into the event ("done", "total").
  void items(uint64_t done, uint64_t total);

  void metrics(boost::json::object values, std::string_view stage);
  void checkpoint(const std::string& path);
  void result(boost::json::object values);
  void failure(const Error& error);

  /// An event that another EventWriter has made, as it is; log lines for people, too.
  void relay(const boost::json::object& event);

 private:
  void advance(double value, bool new_epoch, boost::json::object counts);
  void append(const boost::json::object& event);
  void print(Level level, const std::string& line);

  std::mutex mutex_;
  int fd_ = -1;
  bool text_;
  Clock clock_;
  double last_value_ = -1;
  int last_epoch_ = 0;
  std::optional<std::chrono::steady_clock::time_point> last_progress_;
};

/// ISO 8601 in UTC, as the daemon writes it: "2026-11-20T22:05:43.123Z".
std::string iso_time(std::chrono::system_clock::time_point time);
std::string iso_time_now();

/// JSON has no NaN and no infinity: those become null.
boost::json::value finite_or_null(double value);

/// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string text);

}  // namespace berth::protocol
