// SPDX-License-Identifier: Apache-2.0
// Checkpoints given by their bytes, opened.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_file.h"

namespace berth::tests {

using Names = std::vector<std::string>;
using Floats = std::vector<float>;

/// A file in memory: thousands of small ones take no time.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& bytes) : fd_(::memfd_create("test", MFD_CLOEXEC)) {
    if (::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      std::abort();
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

class Opened {
 public:
  explicit Opened(const std::string& bytes)
      : result_(checkpoint::CheckpointFile::open(MemoryFile(bytes).path())) {}

  /// Empty if it could be opened.
  std::string problem() const {
    if (result_) return {};
    EXPECT_EQ(result_.error().code, protocol::ErrorCode::kCheckpointMismatch);
    return result_.error().message;
  }
  const checkpoint::CheckpointFile& file() const { return *result_; }
  /// A tensor's elements as floats.
  std::vector<float> numbers(const std::string& name) const {
    EXPECT_TRUE(result_) << problem();
    if (!result_ || file().tensors().count(name) == 0) {
      ADD_FAILURE() << "no tensor " << name;
      return {};
    }
    const checkpoint::TensorView& tensor = file().tensors().at(name);
    std::vector<float> out(tensor.size / sizeof(float));
    if (tensor.size > 0) std::memcpy(out.data(), tensor.bytes, tensor.size);
    return out;
  }
  std::vector<std::string> names() const {
    EXPECT_TRUE(result_) << problem();
    std::vector<std::string> out;
    if (!result_) return out;
    for (const auto& [name, tensor] : file().tensors()) out.push_back(name);
    return out;
  }

 private:
  protocol::Result<checkpoint::CheckpointFile> result_;
};

}  // namespace berth::tests
