// SPDX-License-Identifier: Apache-2.0
// File descriptors and small files. Every descriptor opened here is close-on-exec.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace berth::base {

/// Owns one descriptor; -1 is "none".
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

/// The whole file. kNotFound when there is none, kTooLarge above `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit = 64U << 20);

/// The same of a file that the kernel writes whole for each read (cgroupfs, most of sysfs, and what
/// is one record of /proc: stat, status, cgroup, cmdline, meminfo): the read that would find its
/// end is saved. At most `limit` bytes; what is beyond is left out.
Result<std::string> read_kernel_file(const std::string& path, std::size_t limit = 4096);

/// What is left of a file that was just written after a power cut.
enum class Durability : std::uint8_t { kSynced, kWhateverIsLeft };

/// Replaces `path` in one step (temporary file, fsync, rename). The message of a failure names the
/// file; a full disk leaves the old content in place.
Status write_file(const std::string& path, std::string_view content, int mode = 0644,
                  Durability durability = Durability::kSynced);

/// mkdir -p with `mode` for the last part and `parents` for what is missing above it.
Status make_directories(const std::string& path, int mode = 0755, int parents = 0755);

}  // namespace berth::base
