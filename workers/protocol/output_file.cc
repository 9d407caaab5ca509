// SPDX-License-Identifier: Apache-2.0
#include "protocol/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <new>

#include "protocol/termination.h"

namespace berth::protocol {
namespace {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// ENOSPC or EDQUOT where there is no room; else 0, also where a file system cannot reserve.
int reserve(int fd, off_t bytes) {
  // In steps: the file is locked during each, and who wants to remove it waits (a second for 2 GB
  // on tmpfs).
  constexpr off_t kStep = off_t{64} << 20;
  for (off_t at = 0; at < bytes; at += kStep) {
    const int error = ::posix_fallocate(fd, at, std::min(kStep, bytes - at));
    if (error == ENOSPC || error == EDQUOT) return error;
    if (error != 0 && error != EINTR) return 0;
  }
  return 0;
}

}  // namespace

uint64_t free_bytes(const std::string& path) {
  struct statvfs status{};
  if (::statvfs(path.c_str(), &status) != 0) return 0;
  return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
}

Result<OutputFile> OutputFile::create(const std::string& path, uint64_t bytes,
                                      Durability durability) {
  OutputFile file;
  file.path_ = path;
  file.bytes_ = bytes;
  file.durability_ = durability;
  const TemporaryFile made = create_temporary(path);
  if (made.fd < 0) return tl::unexpected<Error>(file.describe("cannot create", errno));
  file.temporary_ = made.path;
  file.fd_ = made.fd;
  file.slot_ = made.slot;
  // Small files fit whatever block they get; reserving is for those that take a while to write.
  if (bytes > 1 << 16) {
    if (const int error = reserve(file.fd_, static_cast<off_t>(bytes)); error != 0)
      return tl::unexpected<Error>(file.describe("cannot write", error));
  }
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      bytes_(other.bytes_),
      durability_(other.durability_),
      fd_(other.fd_),
      slot_(other.slot_) {
  other.fd_ = -1;
  other.slot_ = -1;
  other.temporary_.clear();
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  forget_temporary(slot_);
}

Error OutputFile::describe(const char* what, int errno_value) const {
  Error error = system_error(what, path_, errno_value);
  if (error.code == ErrorCode::kNoSpace) {
    const std::string free = std::to_string(free_bytes(folder_of(path_)));
    // Of a file that grows as it is written nobody knows what it needs.
    error.message +=
        bytes_ > 0 ? "; " + std::to_string(bytes_) + " bytes are needed and " + free +
                         " are free: free some space or choose another save_path"
                   : "; " + free + " bytes are free: free some space or choose another save_path";
  }
  return error;
}

Status OutputFile::write(const void* bytes, size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t n = ::write(fd_, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(describe("cannot write", errno));
    at += n;
    size -= static_cast<size_t>(n);
  }
  return {};
}

Status OutputFile::rewrite(uint64_t offset, const void* bytes, size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t n = ::pwrite(fd_, at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(describe("cannot write", errno));
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return {};
}

Status OutputFile::commit() {
  if (durability_ == Durability::kSynced && ::fsync(fd_) != 0) {
    return tl::unexpected<Error>(describe("cannot write", errno));
  }
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) return tl::unexpected<Error>(describe("cannot write", errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return tl::unexpected<Error>(describe("cannot put in place", errno));
  }
  temporary_.clear();
  if (durability_ == Durability::kSynced) {
    const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      ::fsync(folder);  // Not every file system can; the rename itself has succeeded.
      ::close(folder);
    }
  }
  return {};
}

Status write_file(const std::string& path, std::string_view content, Durability durability) {
  auto file = OutputFile::create(path, content.size(), durability);
  if (!file) return forward_error(file);
  if (auto written = file->write(content.data(), content.size()); !written) return written;
  return file->commit();
}

Result<std::string> read_file(const std::string& path, uint64_t limit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return tl::unexpected<Error>(system_error("cannot read", path, errno));
  struct stat status{};
  std::string content;
  Status outcome;
  if (::fstat(fd, &status) != 0) {
    outcome = tl::unexpected<Error>(system_error("cannot read", path, errno));
  } else if (!S_ISREG(status.st_mode)) {
    outcome = failed(ErrorCode::kIoError, "cannot read " + path + ": it is not a file", path);
  } else if (static_cast<uint64_t>(status.st_size) > limit) {
    outcome = failed(ErrorCode::kIoError,
                     "cannot read " + path + ": " + std::to_string(status.st_size) +
                         " bytes are more than the limit of " + std::to_string(limit),
                     path);
  } else {
    try {
      content.resize(static_cast<size_t>(status.st_size));
    } catch (const std::bad_alloc&) {
      outcome = failed(ErrorCode::kOutOfMemory, "not enough memory to read " + path, path);
    }
  }
  size_t at = 0;
  while (outcome && at < content.size()) {
    const ssize_t n = ::read(fd, content.data() + at, content.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      outcome = tl::unexpected<Error>(system_error("cannot read", path, errno));
    } else if (n == 0) {
      content.resize(at);  // The file became shorter meanwhile.
    } else {
      at += static_cast<size_t>(n);
    }
  }
  ::close(fd);
  if (!outcome) return forward_error(outcome);
  return content;
}

Status make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return tl::unexpected<Error>(system_error("cannot make the folder", path, error.value()));
  return {};
}

}  // namespace berth::protocol
