// SPDX-License-Identifier: Apache-2.0
// The directory of a zip archive in memory, and where its entries' bytes lie. Entries are handed
// out where they are, so only stored ones can be; PyTorch stores what matters. That is also why no
// library is used: libzip and minizip copy every entry through a stream, and the part of the format
// that is left (the end record, its ZIP64 form, one directory, one header per entry) is small.
// Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace berth::checkpoint {

struct ZipEntry {
  uint64_t header = 0;  ///< where its local header begins
  uint64_t size = 0;    ///< bytes, as kept in the archive
  uint32_t crc = 0;
  uint16_t method = 0;  ///< 0: stored
  bool encrypted = false;
};

class ZipArchive {
 public:
  /// Reads the directory. `bytes` must live as long as the archive. Error: kCheckpointMismatch
  /// with `path`: cut short, damaged, in several parts, two entries of one name.
  static protocol::Result<ZipArchive> read(std::string_view bytes, const std::string& path);

  const std::map<std::string, ZipEntry, std::less<>>& entries() const { return entries_; }
  uint64_t size() const { return bytes_.size(); }  ///< bytes of the whole archive
  bool contains(std::string_view name) const { return entries_.find(name) != entries_.end(); }

  /// The bytes of a stored entry. Errors: kCheckpointMismatch: there is none of that name, it is
  /// compressed or encrypted, or its local header does not agree with the directory. Its CRC is
  /// not computed: PyTorch does not either, and can leave it out when it writes.
  protocol::Result<std::string_view> stored(std::string_view name) const;

 private:
  struct Directory {
    uint64_t offset = 0, size = 0, count = 0;
  };
  std::string locate(Directory* directory) const;
  std::string locate_zip64(uint64_t end_record, Directory* directory) const;
  std::string read_directory(const Directory& directory);

  std::string_view bytes_;
  std::string path_;
  std::map<std::string, ZipEntry, std::less<>> entries_;
};

/// The CRC-32 that zip archives keep.
uint32_t zip_crc(std::string_view bytes);

}  // namespace berth::checkpoint
