// SPDX-License-Identifier: Apache-2.0
#include "supervise/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/fd.h"
#include "base/text.h"
#include "shim/layout.h"
#include "supervise/log_file.h"

namespace berth::supervise {

using base::ErrorCode;
using base::fail;

namespace {

// No record is longer: 1 MiB of event, every byte of it escaped as \u00xx or replaced, and a head.
constexpr std::size_t kLongestRecord = 8U << 20;

// Up to `count` bytes at `at`; fewer at the end.
base::Result<std::string> read_at(int fd, std::uint64_t at, std::size_t count,
                                  const std::string& path) {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got =
        ::pread(fd, bytes.data() + filled, count - filled, static_cast<off_t>(at + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(base::errno_error("cannot read " + path, errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

// Where the generations of an output stream begin, by inode (shim/layout.h).
struct Start {
  std::uint64_t inode = 0;
  std::uint64_t start = 0;
  bool operator==(const Start&) const = default;
};

std::vector<Start> read_starts(const std::string& path) {
  std::vector<Start> starts;
  const auto text = base::read_file(path, shim::kStartRecordBytes);
  if (!text) return starts;
  for (const auto& line : base::split(*text, '\n')) {
    const auto parts = base::split(line, ' ');
    if (parts.size() != 2) continue;
    const auto inode = base::parse_number(parts[0]);
    const auto start = base::parse_number(parts[1]);
    if (inode && start)
      starts.push_back({static_cast<std::uint64_t>(*inode), static_cast<std::uint64_t>(*start)});
  }
  return starts;
}

struct Generation {
  base::Fd fd;
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
};

// `by_order`: the entry to believe when no inode fits, as in a directory restored from a copy.
std::optional<Generation> open_generation(const std::string& path, const std::vector<Start>& starts,
                                          std::optional<std::size_t> by_order) {
  Generation generation{base::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0, 0, 0};
  struct stat info{};
  if (!generation.fd.valid() || ::fstat(generation.fd.get(), &info) != 0) return std::nullopt;
  generation.size = static_cast<std::uint64_t>(info.st_size);
  generation.inode = static_cast<std::uint64_t>(info.st_ino);
  if (starts.empty()) return generation;  // never rotated: the disk had no room even for this
  for (const Start& start : starts) {
    if (start.inode != generation.inode) continue;
    generation.start = start.start;
    return generation;
  }
  if (!by_order || *by_order >= starts.size()) return std::nullopt;
  generation.start = starts[*by_order].start;
  return generation;
}

}  // namespace

std::string log_path(const std::string& task_directory) { return task_directory + "/log.jsonl"; }

base::Result<LogChunk> read_log(const std::string& path, std::uint64_t offset,
                                std::size_t max_bytes) {
  LogChunk chunk;
  chunk.next_offset = offset;
  chunk.at_end = true;
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return chunk;
    return fail(base::errno_error("cannot open " + path, errno));
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail(base::errno_error("cannot read " + path, errno));
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (offset >= size) return chunk;
  // One byte back: a line feed there says that `offset` is the start of a line.
  const std::uint64_t from = offset == 0 ? 0 : offset - 1;
  std::size_t wanted = std::max<std::size_t>(max_bytes, 1) + 1;
  for (;;) {
    const bool more = size - from > wanted;
    auto bytes =
        read_at(fd.get(), from, more ? wanted : static_cast<std::size_t>(size - from), path);
    if (!bytes) return fail(bytes.error());
    std::string_view rest = *bytes;
    std::uint64_t at = from;
    if (offset > 0) {
      const auto feed = rest.find('\n');
      at += feed == std::string_view::npos ? 0 : feed + 1;
      rest = feed == std::string_view::npos ? std::string_view() : rest.substr(feed + 1);
    }
    for (auto feed = rest.find('\n'); feed != std::string_view::npos; feed = rest.find('\n')) {
      at += feed + 1;
      LogLine line;
      if (parse_log_line(rest.substr(0, feed), &line)) {
        chunk.entries.push_back({std::string(line.json), at, line.source == kDaemonSource});
      }
      chunk.next_offset = at;
      rest.remove_prefix(feed + 1);
    }
    chunk.at_end = !more;
    // A record longer than max_bytes is still given whole.
    if (!chunk.entries.empty() || !more || wanted > kLongestRecord) return chunk;
    wanted *= 4;
  }
}

base::Result<OutputChunk> read_output(const std::string& attempt_directory, OutputStream stream,
                                      std::uint64_t offset, std::size_t max_bytes) {
  constexpr int kTries = 20;
  const std::string path =
      attempt_directory + "/" +
      (stream == OutputStream::kStdout ? shim::kStdoutFile : shim::kStderrFile);
  OutputChunk chunk;
  chunk.offset = chunk.next_offset = offset;
  for (int i = 0; i < kTries; ++i) {
    const auto starts = read_starts(path + shim::kStartSuffix);
    const bool last = i + 1 == kTries;
    auto current =
        open_generation(path, starts, last ? std::optional<std::size_t>(1) : std::nullopt);
    auto older = open_generation(path + shim::kOlderSuffix, starts,
                                 last ? std::optional<std::size_t>(0) : std::nullopt);
    // Without any file there is nothing yet; within a rotation things settle in microseconds.
    if (!current && !older && ::access(path.c_str(), F_OK) != 0) return chunk;
    if (!current || starts != read_starts(path + shim::kStartSuffix)) continue;
    if (older && older->start >= current->start) older.reset();

    const bool in_older = older && offset < current->start;
    const Generation& from = in_older ? *older : *current;
    chunk.offset = std::max(offset, from.start);
    const std::uint64_t end = from.start + from.size;
    const std::uint64_t available = chunk.offset < end ? end - chunk.offset : 0;
    auto bytes =
        read_at(from.fd.get(), chunk.offset - from.start,
                static_cast<std::size_t>(std::min<std::uint64_t>(available, max_bytes)), path);
    if (!bytes) return fail(bytes.error());
    chunk.bytes = std::move(*bytes);
    chunk.next_offset = chunk.offset + chunk.bytes.size();
    chunk.inode = current->inode;
    chunk.start = current->start;
    return chunk;
  }
  return fail(ErrorCode::kUnavailable, path + " is being rotated all the time");
}

}  // namespace berth::supervise
