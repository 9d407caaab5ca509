// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "checkpoint/quoted.h"

namespace berth::checkpoint {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

constexpr std::string_view kEndRecord("PK\x05\x06", 4), kEndRecord64("PK\x06\x06", 4),
    kLocator64("PK\x06\x07", 4), kDirectoryEntry("PK\x01\x02", 4), kLocalHeader("PK\x03\x04", 4);
constexpr size_t kEndRecordSize = 22, kEndRecord64Size = 56, kLocator64Size = 20,
                 kDirectoryEntrySize = 46, kLocalHeaderSize = 30;
constexpr size_t kMostCommentBytes = 65535;
constexpr uint64_t kMostEntries = 1'000'000;
constexpr uint16_t kEncrypted = 1, kZip64Extra = 1, kStored = 0;

uint64_t little(std::string_view bytes, size_t at, size_t width) {
  uint64_t number = 0;
  for (size_t i = width; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}
uint16_t u16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(little(bytes, at, 2));
}
uint32_t u32(std::string_view bytes, size_t at) {
  return static_cast<uint32_t>(little(bytes, at, 4));
}
uint64_t u64(std::string_view bytes, size_t at) { return little(bytes, at, 8); }

/// The bytes [offset, offset + size), nothing if the archive does not have them all.
std::optional<std::string_view> part(std::string_view bytes, uint64_t offset, uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.substr(offset, size);
}

/// Replaces those of an entry's numbers that say "see the extra field"; false if it is too short.
bool take_zip64(std::string_view extra, uint64_t* size, uint64_t* packed, uint64_t* header) {
  const auto missing = [](uint64_t number) { return number == UINT32_MAX; };
  if (!missing(*size) && !missing(*packed) && !missing(*header)) return true;
  while (extra.size() >= 4) {
    const uint16_t tag = u16(extra, 0);
    const size_t length = u16(extra, 2);
    if (length > extra.size() - 4) return false;
    if (tag != kZip64Extra) {
      extra.remove_prefix(4 + length);
      continue;
    }
    std::string_view field = extra.substr(4, length);
    for (uint64_t* number : {size, packed, header}) {
      if (!missing(*number)) continue;
      if (field.size() < 8) return false;
      *number = u64(field, 0);
      field.remove_prefix(8);
    }
    return true;
  }
  return false;
}

}  // namespace

Result<ZipArchive> ZipArchive::read(std::string_view bytes, const std::string& path) {
  ZipArchive archive;
  archive.bytes_ = bytes;
  archive.path_ = path;
  Directory directory;
  std::string problem = archive.locate(&directory);
  if (problem.empty()) problem = archive.read_directory(directory);
  if (!problem.empty()) {
    return failed(ErrorCode::kCheckpointMismatch, path + " is not a whole zip archive: " + problem,
                  path);
  }
  return archive;
}

/// Finds the directory; what is wrong if there is none.
std::string ZipArchive::locate(Directory* directory) const {
  const size_t most = kEndRecordSize + kMostCommentBytes;
  const size_t skipped = bytes_.size() > most ? bytes_.size() - most : 0;
  const std::string_view tail = bytes_.substr(skipped);
  size_t at = tail.rfind(kEndRecord);
  // The comment behind it reaches to the end; other bytes that look like the record are comment.
  while (at != std::string_view::npos &&
         (tail.size() - at < kEndRecordSize ||
          u16(tail, at + 20) != tail.size() - at - kEndRecordSize)) {
    at = at == 0 ? std::string_view::npos : tail.rfind(kEndRecord, at - 1);
  }
  if (at == std::string_view::npos) {
    return "its directory is missing (cut short, a download that did not finish?)";
  }
  at += skipped;
  directory->count = u16(bytes_, at + 10);
  directory->size = u32(bytes_, at + 12);
  directory->offset = u32(bytes_, at + 16);
  const uint64_t disk = u16(bytes_, at + 4), first_disk = u16(bytes_, at + 6);
  if (at >= kLocator64Size && bytes_.substr(at - kLocator64Size, 4) == kLocator64) {
    return locate_zip64(at - kLocator64Size, directory);
  }
  if (disk != 0 || first_disk != 0 || u16(bytes_, at + 8) != directory->count) {
    return "it is one part of an archive in several";
  }
  if (directory->size > at || directory->offset > at - directory->size) {
    return "its directory lies outside of the file";
  }
  return {};
}

std::string ZipArchive::locate_zip64(uint64_t locator, Directory* directory) const {
  const uint64_t at = u64(bytes_, locator + 8);
  const auto record = part(bytes_, at, kEndRecord64Size);
  if (!record || record->substr(0, 4) != kEndRecord64 || at + kEndRecord64Size > locator) {
    return "its ZIP64 end record is missing";
  }
  if (u32(*record, 16) != 0 || u32(*record, 20) != 0 || u64(*record, 24) != u64(*record, 32)) {
    return "it is one part of an archive in several";
  }
  directory->count = u64(*record, 32);
  directory->size = u64(*record, 40);
  directory->offset = u64(*record, 48);
  if (directory->size > at || directory->offset > at - directory->size) {
    return "its directory lies outside of the file";
  }
  return {};
}

std::string ZipArchive::read_directory(const Directory& directory) {
  std::string_view rest = bytes_.substr(directory.offset, directory.size);
  if (directory.count > kMostEntries || directory.count > rest.size() / kDirectoryEntrySize) {
    return "its directory claims " + std::to_string(directory.count) + " entries";
  }
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (rest.size() < kDirectoryEntrySize || rest.substr(0, 4) != kDirectoryEntry) {
      return "its directory is damaged at entry " + std::to_string(i);
    }
    const size_t name_size = u16(rest, 28), extra_size = u16(rest, 30),
                 comment_size = u16(rest, 32);
    const size_t whole = kDirectoryEntrySize + name_size + extra_size + comment_size;
    if (whole > rest.size()) return "its directory is cut short at entry " + std::to_string(i);
    const std::string_view name = rest.substr(kDirectoryEntrySize, name_size);
    ZipEntry entry;
    entry.encrypted = (u16(rest, 8) & kEncrypted) != 0;
    entry.method = u16(rest, 10);
    entry.crc = u32(rest, 16);
    entry.header = u32(rest, 42);
    entry.size = u32(rest, 20);
    uint64_t unpacked = u32(rest, 24);
    const auto extra = rest.substr(kDirectoryEntrySize + name_size, extra_size);
    if (!take_zip64(extra, &unpacked, &entry.size, &entry.header)) {
      return "entry " + std::to_string(i) + " lacks its ZIP64 numbers";
    }
    if (entry.method == kStored && !entry.encrypted && entry.size != unpacked) {
      return "entry " + std::to_string(i) + " is stored, but has two sizes";
    }
    if (!entries_.emplace(name, entry).second) {
      return "two entries have the name " + quoted(name);
    }
    rest.remove_prefix(whole);
  }
  return {};
}

Result<std::string_view> ZipArchive::stored(std::string_view name) const {
  const auto wrong = [&](const std::string& problem) {
    return failed(ErrorCode::kCheckpointMismatch, path_ + ": entry " + quoted(name) + " " + problem,
                  path_);
  };
  const auto found = entries_.find(name);
  if (found == entries_.end()) return wrong("is missing");
  const ZipEntry& entry = found->second;
  if (entry.encrypted) return wrong("is encrypted");
  if (entry.method != kStored) {
    return wrong(
        "is compressed; torch.save stores its entries. Pack the archive again without "
        "compression (zip -0)");
  }
  const auto header = part(bytes_, entry.header, kLocalHeaderSize);
  if (!header || header->substr(0, 4) != kLocalHeader)
    return wrong("does not begin where it should");
  const size_t name_size = u16(*header, 26), extra_size = u16(*header, 28);
  if (part(bytes_, entry.header + kLocalHeaderSize, name_size) != name) {
    return wrong("has another name in the directory");
  }
  if (u16(*header, 8) != kStored) return wrong("is stored and compressed at once");
  const auto content =
      part(bytes_, entry.header + kLocalHeaderSize + name_size + extra_size, entry.size);
  if (!content) return wrong("reaches beyond the end of the file");
  return *content;
}

uint32_t zip_crc(std::string_view bytes) {
  uLong crc = ::crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    const size_t chunk = std::min<size_t>(bytes.size(), 1u << 30);
    crc = ::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(chunk));
    bytes.remove_prefix(chunk);
  }
  return static_cast<uint32_t>(crc);
}

}  // namespace berth::checkpoint
