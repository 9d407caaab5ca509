// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace berth::fuzz {

/// A file in memory that is filled again and again.
class Scratch {
 public:
  explicit Scratch(const char* name) : fd_(::memfd_create(name, MFD_CLOEXEC)) {
    if (fd_ < 0) std::abort();
    path_ = "/proc/self/fd/" + std::to_string(fd_);
  }

  const std::string& fill(const uint8_t* bytes, size_t size) {
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, bytes, size, 0) != static_cast<ssize_t>(size)) {
      std::abort();
    }
    return path_;
  }

 private:
  int fd_;
  std::string path_;
};

}  // namespace berth::fuzz
