// SPDX-License-Identifier: Apache-2.0
// Reading a task's log and its raw output while they are being written. Each call costs as much as
// the bytes it returns, keeps nothing open and may be made from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::supervise {

struct LogEntry {
  std::string json;              // one record, without line feed (task_log.h)
  std::uint64_t end_offset = 0;  // read_log from here gives the next one: the SSE `id:`
  bool daemon_record = false;    // {"timestamp","level","code","args"}, to be put into words
};

struct LogChunk {
  std::vector<LogEntry> entries;
  std::uint64_t next_offset = 0;
  bool at_end = false;  // no complete line is left behind next_offset
};

/// Records from `offset` on: 0 is the start, an offset inside a line moves to the next line, one
/// behind the end gives nothing. About `max_bytes`, but at least one record if there is one. A log
/// that does not exist yet is an empty one.
base::Result<LogChunk> read_log(const std::string& path, std::uint64_t offset,
                                std::size_t max_bytes);

/// <task directory>/log.jsonl
std::string log_path(const std::string& task_directory);

enum class OutputStream : std::uint8_t { kStdout, kStderr };

struct OutputChunk {
  std::string bytes;
  std::uint64_t offset = 0;  // logical offset of bytes[0]; above the one asked for when what
                             // was there is rotated away
  std::uint64_t next_offset = 0;
  std::uint64_t inode = 0;  // of the newest generation's file, and where that begins
  std::uint64_t start = 0;
};

/// Raw output by logical offset (counted from the first byte the task wrote and we kept, across
/// rotations). Empty bytes: nothing there yet.
base::Result<OutputChunk> read_output(const std::string& attempt_directory, OutputStream stream,
                                      std::uint64_t offset, std::size_t max_bytes);

}  // namespace berth::supervise
