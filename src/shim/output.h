// SPDX-License-Identifier: Apache-2.0
// One output stream of the task: from a pipe into a file of limited size, with one older generation
// (layout.h). The task is never held up by a disk: what cannot be stored is counted and dropped.
#pragma once

#include <cstdint>

namespace berth::shim {

class Output {
 public:
  /// Makes the pipe; the file is there from the first output on. False only when there is no pipe
  /// to be had.
  bool open(int dir, const char* name, std::int64_t max_bytes);

  [[nodiscard]] int read_end() const { return read_end_; }    // -1 once the stream has ended
  [[nodiscard]] int write_end() const { return write_end_; }  // for the child
  void close_write_end();
  /// When everything has been read.
  void close_all();

  /// Moves what the pipe holds now, one buffer at most. False when there was nothing or the end.
  bool pump();
  /// Until the pipe is empty: when no process of the task is left, this is all it ever wrote.
  void drain();

  [[nodiscard]] std::int64_t dropped() const { return dropped_; }

 private:
  void put(const char* bytes, std::int64_t count);
  void make_files();
  bool rotate();
  bool write_start(std::uint64_t old_inode, std::int64_t old_start, std::uint64_t inode,
                   std::int64_t start);

  const char* name_ = "";
  int dir_ = -1;
  int read_end_ = -1;
  int write_end_ = -1;
  int file_ = -1;
  int start_file_ = -1;
  std::int64_t max_bytes_ = 0;
  std::uint64_t inode_ = 0;
  std::int64_t start_ = 0;  // logical offset of the first byte of file_
  std::int64_t size_ = 0;   // of file_
  std::int64_t dropped_ = 0;
};

}  // namespace berth::shim
