// SPDX-License-Identifier: Apache-2.0
#include "protocol/event_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "protocol/json_text.h"

namespace berth::protocol {
namespace {

constexpr auto kProgressPeriod = std::chrono::milliseconds(200);

const char* level_name(Level level) {
  switch (level) {
    case Level::kInfo:
      return "INFO";
    case Level::kWarning:
      return "WARNING";
    case Level::kError:
      return "ERROR";
  }
  return "ERROR";
}

/// Length of the valid UTF-8 sequence that begins at text[at], or 0 (Unicode 15, table 3-7).
size_t sequence_length(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (byte(at + i) < low || byte(at + i) > high) return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

bool write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

std::string valid_utf8(std::string text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = sequence_length(text, at);
    if (length == 0) break;
    at += length;
  }
  if (at == text.size()) return text;
  std::string clean = text.substr(0, at);
  while (at < text.size()) {
    const size_t length = sequence_length(text, at);
    if (length == 0) {
      clean += "\xEF\xBF\xBD";
      ++at;
    } else {
      clean.append(text, at, length);
      at += length;
    }
  }
  return clean;
}

std::string iso_time(std::chrono::system_clock::time_point time) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32], text[64];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(millis % 1000));
  return text;
}

std::string iso_time_now() { return iso_time(std::chrono::system_clock::now()); }

boost::json::value finite_or_null(double value) {
  if (!std::isfinite(value)) return nullptr;
  return value;
}

EventWriter EventWriter::from_environment(bool text) {
  const char* path = std::getenv("BERTH_EVENTS");
  return EventWriter(path == nullptr ? "" : path, text);
}

EventWriter::EventWriter(const std::string& path, bool text, Clock clock)
    : text_(text), clock_(std::move(clock)) {
  if (path.empty()) return;
  fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    print(Level::kWarning, system_error("cannot open the event file", path, errno).message);
  }
}

EventWriter::~EventWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void EventWriter::log(Level level, const std::string& message, std::string_view stage,
                      boost::json::object metrics) {
  boost::json::object event{{"event", "log"},
                            {"time", iso_time_now()},
                            {"level", level_name(level)},
                            {"message", message}};
  if (!stage.empty()) event["stage"] = stage;
  if (!metrics.empty()) event["metrics"] = std::move(metrics);
  const std::lock_guard<std::mutex> lock(mutex_);
  append(event);
  print(level, message);
}

void EventWriter::progress(double value, std::optional<EpochCount> epochs) {
  const std::lock_guard<std::mutex> lock(mutex_);
  boost::json::object counts;
  const bool new_epoch = epochs && epochs->current != last_epoch_;
  if (epochs) {
    last_epoch_ = epochs->current;
    counts = {{"current_epoch", epochs->current}, {"total_epochs", epochs->total}};
  }
  advance(value, new_epoch, std::move(counts));
}

void EventWriter::items(uint64_t done, uint64_t total) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double share =
      total == 0 ? 0 : std::min(0.999, static_cast<double>(done) / static_cast<double>(total));
  // The last count is told however soon it comes: "99 of 100" must not be what stays.
  advance(share, /*new_epoch=*/done == total, {{"done", done}, {"total", total}});
}

void EventWriter::advance(double value, bool new_epoch, boost::json::object counts) {
  value = std::isfinite(value) ? std::min(1.0, std::max(0.0, value)) : 0.0;
  if (value < last_value_) value = last_value_;
  const auto now = clock_();
  const bool due = !last_progress_ || now - *last_progress_ >= kProgressPeriod;
  const bool completes = value >= 1.0 && last_value_ < 1.0;
  if (!due && !new_epoch && !completes) return;
  if (value == last_value_ && !new_epoch) return;
  last_value_ = value;
  last_progress_ = now;
  boost::json::object event{{"event", "progress"}, {"value", value}};
  for (auto& count : counts) event[count.key()] = std::move(count.value());
  append(event);
}

void EventWriter::metrics(boost::json::object values, std::string_view stage) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append({{"event", "metrics"}, {"data", std::move(values)}, {"stage", stage}});
}

void EventWriter::checkpoint(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append({{"event", "checkpoint"}, {"path", path}});
}

void EventWriter::result(boost::json::object values) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append({{"event", "result"}, {"data", std::move(values)}});
}

void EventWriter::failure(const Error& error) {
  boost::json::object event{
      {"event", "failure"}, {"code", code_name(error.code)}, {"message", error.message}};
  if (!error.file.empty()) event["file"] = error.file;
  const std::lock_guard<std::mutex> lock(mutex_);
  append(event);
  print(Level::kError, error.message);
}

void EventWriter::relay(const boost::json::object& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append(event);
  if (text_of(event, "event") != "log") return;
  const std::string level = text_of(event, "level");
  print(level == level_name(Level::kError)     ? Level::kError
        : level == level_name(Level::kWarning) ? Level::kWarning
                                               : Level::kInfo,
        text_of(event, "message"));
}

void EventWriter::append(const boost::json::object& event) {
  if (fd_ < 0) return;
  const std::string line = json_text(event) + "\n";
  if (!write_all(fd_, line.data(), line.size())) {
    print(Level::kWarning, "cannot write an event: " + std::to_string(line.size()) +
                               " bytes lost (is the disk of BERTH_EVENTS full?)");
  }
}

void EventWriter::print(Level level, const std::string& line) {
  if (!text_) return;
  std::string text;
  if (level == Level::kWarning) text = "warning: ";
  if (level == Level::kError) text = "error: ";
  text += line;
  text += '\n';
  // A reader that went away must not end the task: the outcome of this write is not looked at.
  (void)write_all(level == Level::kError ? STDERR_FILENO : STDOUT_FILENO, text.data(), text.size());
}

}  // namespace berth::protocol
