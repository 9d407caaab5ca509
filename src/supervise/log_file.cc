// SPDX-License-Identifier: Apache-2.0
#include "supervise/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/fd.h"

namespace berth::supervise {

using base::fail;

bool parse_log_line(std::string_view line, LogLine* parsed) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon > 12) return false;
  const auto [end, code] =
      std::from_chars(line.data() + colon + 1, line.data() + line.size(), parsed->offset);
  const auto used = static_cast<std::size_t>(end - line.data());
  if (code != std::errc{} || used + 3 > line.size() || line[used] != ' ' || line[used + 1] != '{' ||
      line.back() != '}') {
    return false;
  }
  parsed->source = line.substr(0, colon);
  parsed->json = line.substr(used + 1);
  return true;
}

void LogFile::take_line(std::string_view line) {
  LogLine parsed;
  if (!parse_log_line(line, &parsed)) return;  // damaged by something else; readers skip it too
  auto& last = offsets_[std::string(parsed.source)];
  last = std::max(last, parsed.offset);
  if (parsed.source == kLimitSource) full_ = true;
}

base::Status LogFile::recover() {
  const base::Fd fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return {};
    return fail(base::errno_error("cannot open " + path_, errno));
  }
  std::string pending;
  std::uint64_t complete = 0;
  std::string buffer(1U << 18, '\0');
  for (std::uint64_t at = 0;;) {
    const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(base::errno_error("cannot read " + path_, errno));
    if (got == 0) break;
    at += static_cast<std::uint64_t>(got);
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    for (auto feed = bytes.find('\n'); feed != std::string_view::npos; feed = bytes.find('\n')) {
      pending += bytes.substr(0, feed);
      take_line(pending);
      complete += pending.size() + 1;
      pending.clear();
      bytes.remove_prefix(feed + 1);
    }
    pending += bytes;
  }
  if (!pending.empty() && ::ftruncate(fd.get(), static_cast<off_t>(complete)) != 0) {
    return fail(base::errno_error("cannot cut off the torn end of " + path_, errno));
  }
  size_ = complete;
  return {};
}

std::uint64_t LogFile::last_offset(std::string_view source) const {
  const auto last = offsets_.find(source);
  return last == offsets_.end() ? 0 : last->second;
}

void LogFile::put(std::string_view source, std::uint64_t end_offset,
                  const base::json::object& record) {
  unwritten_ += source;
  unwritten_ += ':';
  unwritten_ += std::to_string(end_offset);
  unwritten_ += ' ';
  unwritten_ += base::to_text(record);
  unwritten_ += '\n';
  offsets_[std::string(source)] = end_offset;
}

void LogFile::add(std::string_view source, std::uint64_t end_offset,
                  const base::json::object& record, std::string_view now) {
  if (end_offset <= last_offset(source)) return;
  if (source != kDaemonSource) {
    if (full_) return;
    if (size_ + unwritten_.size() >= static_cast<std::uint64_t>(limit_.value)) {
      full_ = true;
      put(kLimitSource, 1,
          {{"timestamp", now},
           {"level", "WARNING"},
           {"message", "The log is full (" + base::to_text(limit_) +
                           "): later records of the task are not kept"}});
      return;
    }
  }
  put(source, end_offset, record);
}

base::Status LogFile::flush() {
  if (unwritten_.empty()) return {};
  const base::Fd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(base::errno_error("cannot open " + path_, errno));
  std::string_view rest = unwritten_;
  auto at = static_cast<off_t>(size_);
  while (!rest.empty()) {
    const ssize_t put = ::pwrite(fd.get(), rest.data(), rest.size(), at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const int saved = put == 0 ? ENOSPC : errno;
      // Half a batch would be repeated by the next try.
      if (::ftruncate(fd.get(), static_cast<off_t>(size_)) != 0) {
      }
      return fail(base::errno_error("cannot write " + path_, saved));
    }
    at += put;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  size_ = static_cast<std::uint64_t>(at);
  unwritten_.clear();
  return {};
}

}  // namespace berth::supervise
