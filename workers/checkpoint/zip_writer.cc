// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/zip_writer.h"

#include <cstdint>

#include "checkpoint/zip.h"
#include "protocol/output_file.h"

namespace berth::checkpoint {
namespace {

using protocol::Status;

constexpr uint64_t kAlignment = 64;
constexpr uint64_t kLocalHeaderSize = 30, kExtraHeaderSize = 4;
constexpr uint16_t kUtf8Names = 1 << 11;
constexpr uint16_t kVersion = 45;       // 4.5: ZIP64
constexpr uint16_t kDate = 1 << 5 | 1;  // 1980-01-01: equal weights give equal files
constexpr uint16_t kZip64Extra = 1, kPaddingExtra = 0x4246;  // the latter is PyTorch's, "FB"

void put(std::string* out, uint64_t number, int width) {
  for (int i = 0; i < width; ++i) *out += static_cast<char>(number >> (8 * i) & 0xFF);
}

struct Placed {
  const ZipContent* content = nullptr;
  uint64_t header = 0;
  uint32_t crc = 0;
};

uint32_t short_form(uint64_t number) {
  return number < UINT32_MAX ? static_cast<uint32_t>(number) : UINT32_MAX;
}

/// The fields that the local header and the directory have in common, from "version needed" on.
void put_common(std::string* out, const Placed& entry, size_t extra_size) {
  const uint32_t size = short_form(entry.content->bytes.size());
  put(out, kVersion, 2);
  put(out, kUtf8Names, 2);
  put(out, 0, 2);  // stored
  put(out, 0, 2);  // time
  put(out, kDate, 2);
  put(out, entry.crc, 4);
  put(out, size, 4);
  put(out, size, 4);
  put(out, entry.content->name.size(), 2);
  put(out, extra_size, 2);
}

/// The local header, filled up so that what follows is aligned.
std::string local_header(const Placed& entry) {
  std::string extra;
  if (short_form(entry.content->bytes.size()) == UINT32_MAX) {
    put(&extra, kZip64Extra, 2);
    put(&extra, 16, 2);
    put(&extra, entry.content->bytes.size(), 8);
    put(&extra, entry.content->bytes.size(), 8);
  }
  const uint64_t end = entry.header + kLocalHeaderSize + entry.content->name.size() + extra.size() +
                       kExtraHeaderSize;
  const uint64_t padding = (kAlignment - end % kAlignment) % kAlignment;
  put(&extra, kPaddingExtra, 2);
  put(&extra, padding, 2);
  extra.append(padding, 'Z');
  std::string header("PK\x03\x04", 4);
  put_common(&header, entry, extra.size());
  return header + entry.content->name + extra;
}

std::string directory_entry(const Placed& entry) {
  std::string extra;
  const uint64_t size = entry.content->bytes.size();
  const bool wide_size = short_form(size) == UINT32_MAX;
  const bool wide_place = short_form(entry.header) == UINT32_MAX;
  if (wide_size || wide_place) {
    put(&extra, kZip64Extra, 2);
    put(&extra, (wide_size ? 16 : 0) + (wide_place ? 8 : 0), 2);
    if (wide_size) put(&extra, size, 8);
    if (wide_size) put(&extra, size, 8);
    if (wide_place) put(&extra, entry.header, 8);
  }
  std::string out("PK\x01\x02", 4);
  put(&out, kVersion, 2);
  put_common(&out, entry, extra.size());
  put(&out, 0, 2);  // comment
  put(&out, 0, 2);  // disk
  put(&out, 0, 2);  // attributes
  put(&out, 0, 4);
  put(&out, short_form(entry.header), 4);
  return out + entry.content->name + extra;
}

/// The ZIP64 end record, its locator and the end record, as PyTorch always writes them.
std::string end_records(uint64_t count, uint64_t offset, uint64_t size) {
  std::string out("PK\x06\x06", 4);
  put(&out, 44, 8);  // bytes that follow
  put(&out, kVersion, 2);
  put(&out, kVersion, 2);
  put(&out, 0, 8);  // disks
  put(&out, count, 8);
  put(&out, count, 8);
  put(&out, size, 8);
  put(&out, offset, 8);
  out.append("PK\x06\x07", 4);
  put(&out, 0, 4);
  put(&out, offset + size, 8);
  put(&out, 1, 4);
  out.append("PK\x05\x06", 4);
  const uint64_t short_count = count < UINT16_MAX ? count : UINT16_MAX;
  put(&out, 0, 4);  // disks
  put(&out, short_count, 2);
  put(&out, short_count, 2);
  put(&out, short_form(size), 4);
  put(&out, short_form(offset), 4);
  put(&out, 0, 2);  // comment
  return out;
}

}  // namespace

Status write_zip(const std::string& path, const std::vector<ZipContent>& contents) {
  std::vector<Placed> entries;
  uint64_t at = 0;
  std::string directory;
  for (const ZipContent& content : contents) {
    Placed entry{&content, at, zip_crc(content.bytes)};
    at += local_header(entry).size() + content.bytes.size();
    directory += directory_entry(entry);
    entries.push_back(entry);
  }
  const std::string end = end_records(entries.size(), at, directory.size());
  auto file = protocol::OutputFile::create(path, at + directory.size() + end.size());
  if (!file) return forward_error(file);
  Status written;
  for (const Placed& entry : entries) {
    const std::string header = local_header(entry);
    if (written) written = file->write(header.data(), header.size());
    if (written) written = file->write(entry.content->bytes.data(), entry.content->bytes.size());
  }
  if (written) written = file->write(directory.data(), directory.size());
  if (written) written = file->write(end.data(), end.size());
  if (!written) return written;
  return file->commit();
}

}  // namespace berth::checkpoint
