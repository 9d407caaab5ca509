// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all: written under a temporary name beside its place, made
// durable, then renamed. A full disk, a kill or an early return leaves the old file untouched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace berth::protocol {

enum class Durability {
  kSynced,   ///< fsync of the file and its folder: survives a power cut
  kRenamed,  ///< whole to every reader, but a power cut may lose it (data that can be made again)
};

class OutputFile {
 public:
  /// `bytes` is the size that will be written, reserved on the disk at once so that a full disk is
  /// noticed before the first byte. Errors: kNoSpace with the bytes needed and those free,
  /// kIoError.
  static Result<OutputFile> create(const std::string& path, uint64_t bytes,
                                   Durability durability = Durability::kSynced);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  Status write(const void* bytes, size_t size);
  /// Replaces bytes that were written before, for headers that hold sizes known at the end.
  Status rewrite(uint64_t offset, const void* bytes, size_t size);
  /// Gives the file its name. Without it the destructor removes what was written.
  Status commit();

 private:
  OutputFile() = default;
  Error describe(const char* what, int errno_value) const;

  std::string path_;
  std::string temporary_;
  uint64_t bytes_ = 0;
  Durability durability_ = Durability::kSynced;
  int fd_ = -1;
  int slot_ = -1;
};

/// Writes `content` as the whole of `path`.
Status write_file(const std::string& path, std::string_view content,
                  Durability durability = Durability::kSynced);

/// Reads a whole file, at most `limit` bytes. Errors: kIoError, kOutOfMemory.
Result<std::string> read_file(const std::string& path, uint64_t limit);

/// Makes a folder and its parents. Errors: kNoSpace, kIoError.
Status make_folders(const std::string& path);

/// Bytes that an ordinary user may still write on the file system of `path`, or 0 if unknown.
uint64_t free_bytes(const std::string& path);

}  // namespace berth::protocol
