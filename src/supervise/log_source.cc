// SPDX-License-Identifier: Apache-2.0
#include "supervise/log_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "base/text.h"
#include "shim/layout.h"

namespace berth::supervise {

namespace json = base::json;

namespace {

constexpr std::size_t kMostOldMetrics = 10'000;
constexpr std::uint64_t kMalformedShown = 10;
constexpr std::uint64_t kMalformedEvery = 1'000;
constexpr std::size_t kShownOfMalformed = 200;

json::object warning(std::string_view now, std::string message) {
  return {{"timestamp", now}, {"level", "WARNING"}, {"message", std::move(message)}};
}

}  // namespace

std::string event_source_name(int attempt) { return std::to_string(attempt) + "e"; }

EventSource::EventSource(const std::string& attempt_directory, int attempt, std::uint64_t resume_at)
    : path_(attempt_directory + "/" + shim::kEventsFile),
      attempt_(attempt),
      source_(event_source_name(attempt)),
      resume_at_(resume_at) {}

bool EventSource::read(std::size_t max_bytes, std::string_view now, LogFile& log,
                       std::vector<TaskEvent>& events) {
  // Not following links and not waiting: the file belongs to the task, which may put anything
  // there.
  const base::Fd fd(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return false;
  const auto emit = [&](std::string_view line, std::size_t length, std::uint64_t end_offset) {
    on_line(line, length, end_offset, now, log, events);
  };
  std::string buffer(std::min<std::size_t>(max_bytes, 1U << 16), '\0');
  for (std::size_t total = 0; total < max_bytes;) {
    const ssize_t got =
        ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(lines_.offset()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      resume_at_ = std::min(resume_at_, lines_.offset());  // a shorter file than the log remembers
      return false;
    }
    lines_.add(std::string_view(buffer.data(), static_cast<std::size_t>(got)), emit);
    total += static_cast<std::size_t>(got);
  }
  return true;
}

void EventSource::end(std::string_view now, LogFile& log, std::vector<TaskEvent>& events) {
  lines_.end([&](std::string_view line, std::size_t length, std::uint64_t end_offset) {
    on_line(line, length, end_offset, now, log, events);
  });
}

void EventSource::on_line(std::string_view line, std::size_t length, std::uint64_t end_offset,
                          std::string_view now, LogFile& log, std::vector<TaskEvent>& events) {
  if (length > EventLines::kLongest) {
    on_malformed(line, length, "longer than 1 MiB", end_offset, now, log);
    return;
  }
  if (base::trim(line).empty()) return;
  auto event = parse_event(line, attempt_);
  if (!event) {
    on_malformed(line, length, event.error().message, end_offset, now, log);
    return;
  }
  if (end_offset <= resume_at_) {
    remember(std::move(*event));
    return;
  }
  if (auto record = to_record(*event, now)) log.add(source_, end_offset, *record, now);
  if (event->kind != TaskEvent::Kind::kLog) events.push_back(std::move(*event));
}

void EventSource::on_malformed(std::string_view line, std::size_t length, const std::string& why,
                               std::uint64_t end_offset, std::string_view now, LogFile& log) {
  ++malformed_;
  if (end_offset <= resume_at_ ||
      (malformed_ > kMalformedShown && malformed_ % kMalformedEvery != 0))
    return;
  std::string message = "A line of " + std::to_string(length) +
                        " bytes in BERTH_EVENTS is no event (" + why + "; number " +
                        std::to_string(malformed_) + " of this kind): ";
  message += base::to_utf8(line.substr(0, kShownOfMalformed));
  if (line.size() > kShownOfMalformed) message += "...";
  log.add(source_, end_offset, warning(now, std::move(message)), now);
}

void EventSource::remember(TaskEvent event) {
  switch (event.kind) {
    case TaskEvent::Kind::kProgress:
      old_progress_ = std::move(event);
      break;
    case TaskEvent::Kind::kCheckpoint:
      old_checkpoint_ = std::move(event);
      break;
    case TaskEvent::Kind::kResult:
      old_result_ = std::move(event);
      break;
    case TaskEvent::Kind::kFailure:
      old_failure_ = std::move(event);
      break;
    case TaskEvent::Kind::kMetrics:
      old_metrics_.push_back(std::move(event));
      if (old_metrics_.size() > kMostOldMetrics) old_metrics_.pop_front();
      break;
    case TaskEvent::Kind::kLog:
      break;
  }
}

std::vector<TaskEvent> EventSource::take_replay() {
  std::vector<TaskEvent> replay;
  if (lines_.offset() < resume_at_) return replay;
  for (auto& event : old_metrics_) replay.push_back(std::move(event));
  old_metrics_.clear();
  for (auto* event : {&old_progress_, &old_checkpoint_, &old_result_, &old_failure_}) {
    if (*event) replay.push_back(std::move(**event));
    event->reset();
  }
  return replay;
}

OutputSource::OutputSource(std::string attempt_directory, OutputStream stream, int attempt,
                           std::uint64_t resume_at)
    : directory_(std::move(attempt_directory)),
      path_(directory_ + "/" +
            (stream == OutputStream::kStdout ? shim::kStdoutFile : shim::kStderrFile)),
      stream_(stream),
      source_(source_name(stream, attempt)),
      lines_(resume_at) {}

std::string OutputSource::source_name(OutputStream stream, int attempt) {
  return std::to_string(attempt) + (stream == OutputStream::kStdout ? "o" : "r");
}

OutputLines::Emit OutputSource::emitter(std::string_view now, LogFile& log) const {
  return [this, now, &log](std::string_view line, std::uint64_t end_offset) {
    const bool out = stream_ == OutputStream::kStdout;
    log.add(source_, end_offset,
            {{"timestamp", now},
             {"level", out ? "INFO" : "WARNING"},
             {"message", base::to_utf8(line)},
             {"stream", out ? "stdout" : "stderr"}},
            now);
  };
}

// By one look or two; reading takes a dozen system calls, and most programs are silent.
bool OutputSource::nothing_new() const {
  struct stat file{};
  const auto older = [&] { return ::access((path_ + shim::kOlderSuffix).c_str(), F_OK) == 0; };
  if (::stat(path_.c_str(), &file) != 0)
    return errno == ENOENT && inode_ == 0 && lines_.offset() == 0 && !older();
  const auto size = static_cast<std::uint64_t>(file.st_size);
  if (file.st_ino == inode_) return start_ + size == lines_.offset();
  return inode_ == 0 && size == 0 && lines_.offset() == 0 && !older();
}

bool OutputSource::read(std::size_t max_bytes, std::string_view now, LogFile& log) {
  if (nothing_new()) return false;
  const auto emit = emitter(now, log);
  for (std::size_t total = 0; total < max_bytes;) {
    const auto chunk = read_output(directory_, stream_, lines_.offset(), 1U << 16);
    if (chunk) {
      inode_ = chunk->inode;
      start_ = chunk->start;
    }
    if (!chunk || (chunk->bytes.empty() && chunk->offset <= lines_.offset())) return false;
    if (chunk->offset > lines_.offset()) {
      log.add(source_, chunk->offset,
              warning(now, std::to_string(chunk->offset - lines_.offset()) +
                               " bytes of output were rotated away before they could be read"),
              now);
      lines_.skip_to(chunk->offset);
    }
    lines_.add(chunk->bytes, emit);
    total += chunk->bytes.size();
  }
  return true;
}

void OutputSource::end(std::string_view now, LogFile& log) { lines_.end(emitter(now, log)); }

}  // namespace berth::supervise
