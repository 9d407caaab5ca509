// SPDX-License-Identifier: Apache-2.0
#include "shim/output.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

#include "shim/layout.h"

namespace berth::shim {
namespace {

std::uint64_t inode_of(int fd) {
  struct stat info{};
  return fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_ino) : 0;
}

constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;

}  // namespace

bool Output::open(int dir, const char* name, std::int64_t max_bytes) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end_ = ends[0];
  write_end_ = ends[1];
  // Only our end: the task gets an ordinary blocking pipe.
  fcntl(read_end_, F_SETFL, fcntl(read_end_, F_GETFL) | O_NONBLOCK);

  dir_ = dir;
  name_ = name;
  max_bytes_ = max_bytes;
  return true;
}

// At the first output: most programs are silent on stderr and many on stdout, and for a short one
// files are what costs most. The record of starts comes with it, so that a disk that is full later
// can still be rotated on.
void Output::make_files() {
  file_ = openat(dir_, name_, kFlags, 0600);
  if (file_ < 0) return;
  inode_ = inode_of(file_);
  char start_name[32];
  std::snprintf(start_name, sizeof start_name, "%s%s", name_, kStartSuffix);
  start_file_ = openat(dir_, start_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (start_file_ >= 0) write_start(0, 0, inode_, 0);
}

void Output::close_write_end() {
  close(write_end_);
  write_end_ = -1;
}

void Output::close_all() {
  for (const int fd : {read_end_, write_end_, file_, start_file_}) {
    if (fd >= 0) close(fd);
  }
}

bool Output::pump() {
  static char buffer[65536];
  if (read_end_ < 0) return false;
  const ssize_t got = read(read_end_, buffer, sizeof buffer);
  if (got > 0) {
    put(buffer, got);
    return true;
  }
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) return false;
  close(read_end_);
  read_end_ = -1;
  return false;
}

void Output::drain() {
  // A process that escaped the tree may hold the pipe and go on writing: only what is there now.
  int waiting = 0;
  if (read_end_ < 0 || ioctl(read_end_, FIONREAD, &waiting) != 0) return;
  for (std::int64_t until = start_ + size_ + dropped_ + waiting;
       start_ + size_ + dropped_ < until;) {
    if (!pump()) return;
  }
}

void Output::put(const char* bytes, std::int64_t count) {
  if (file_ < 0) make_files();
  while (count > 0) {
    if (file_ < 0 || (size_ >= max_bytes_ && !rotate())) break;
    const std::int64_t room = max_bytes_ - size_;
    const ssize_t put = write(file_, bytes, static_cast<std::size_t>(count < room ? count : room));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    size_ += put;
    bytes += put;
    count -= put;
  }
  dropped_ += count;
}

bool Output::rotate() {
  char older[32], newer[32];
  std::snprintf(older, sizeof older, "%s%s", name_, kOlderSuffix);
  std::snprintf(newer, sizeof newer, "%s.new", name_);
  const int next = openat(dir_, newer, kFlags, 0600);
  if (next < 0) return false;
  const std::uint64_t next_inode = inode_of(next);
  const std::int64_t next_start = start_ + size_;
  if (!write_start(inode_, start_, next_inode, next_start) ||
      renameat(dir_, name_, dir_, older) != 0) {
    unlinkat(dir_, newer, 0);
    close(next);
    return false;
  }
  renameat(dir_, newer, dir_, name_);
  close(file_);
  file_ = next;
  inode_ = next_inode;
  start_ = next_start;
  size_ = 0;
  return true;
}

bool Output::write_start(std::uint64_t old_inode, std::int64_t old_start, std::uint64_t inode,
                         std::int64_t start) {
  char text[kStartRecordBytes + 1];
  const int length =
      std::snprintf(text, sizeof text, "%llu %lld\n%llu %lld\n",
                    static_cast<unsigned long long>(old_inode), static_cast<long long>(old_start),
                    static_cast<unsigned long long>(inode), static_cast<long long>(start));
  std::memset(text + length, '\n', sizeof text - static_cast<std::size_t>(length));
  return pwrite(start_file_, text, kStartRecordBytes, 0) == static_cast<ssize_t>(kStartRecordBytes);
}

}  // namespace berth::shim
