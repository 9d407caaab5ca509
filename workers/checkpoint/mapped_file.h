// SPDX-License-Identifier: Apache-2.0
// A file's bytes in memory, read by the system when they are first touched.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace berth::checkpoint {

/// The bytes live as long as the object, also when it is moved. A file that somebody shortens
/// meanwhile ends the process with SIGBUS: checkpoints are replaced, not rewritten in place.
class MappedFile {
 public:
  /// Error: kIoError (not there, not readable, a folder), kOutOfMemory.
  static protocol::Result<MappedFile> open(const std::string& path);
  MappedFile() = default;
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::string_view bytes() const { return {static_cast<const char*>(mapping_), size_}; }

 private:
  void* mapping_ = nullptr;
  size_t size_ = 0;
};

}  // namespace berth::checkpoint
