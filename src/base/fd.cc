// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace berth::base {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

namespace {

Result<Fd> open_to_read(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.valid()) return fd;
  if (errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no file " + path);
  return fail(errno_error("cannot open " + path, errno));
}

}  // namespace

Result<std::string> read_kernel_file(const std::string& path, std::size_t limit) {
  const auto fd = open_to_read(path);
  if (!fd) return fail(fd.error());
  std::string content(limit, '\0');
  ssize_t got = -1;
  do {
    got = ::read(fd->get(), content.data(), limit);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail(errno_error("cannot read " + path, errno));
  content.resize(static_cast<std::size_t>(got));
  return content;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const auto fd = open_to_read(path);
  if (!fd) return fail(fd.error());
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd->get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("cannot read " + path, errno));
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > limit) {
      return fail(ErrorCode::kTooLarge,
                  path + " is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

Status write_file(const std::string& path, std::string_view content, int mode,
                  Durability durability) {
  const std::string temporary = path + ".tmp";
  const auto refuse = [&](const char* what) {
    const int saved = errno;
    ::unlink(temporary.c_str());
    return fail(errno_error(std::string("cannot ") + what + " " + path, saved));
  };
  ::unlink(temporary.c_str());  // a leftover of a crash would keep its own mode
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.valid()) return refuse("create");
  while (!content.empty()) {
    const ssize_t put = ::write(fd.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return refuse("write");
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (durability == Durability::kSynced && ::fsync(fd.get()) != 0) return refuse("write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return refuse("replace");
  return {};
}

Status make_directories(const std::string& path, int mode, int parents) {
  std::string directory = path;
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  const auto make = [&] { return ::mkdir(directory.c_str(), static_cast<mode_t>(mode)) == 0; };
  bool made = make();
  const auto slash = directory.rfind('/');
  if (!made && errno == ENOENT && slash != std::string::npos && slash > 0) {
    if (auto status = make_directories(directory.substr(0, slash), parents, parents); !status)
      return status;
    made = make();
  }
  if (made) return {};
  const int saved = errno;
  std::error_code code;
  if (saved == EEXIST && std::filesystem::is_directory(directory, code)) return {};
  return fail(errno_error("cannot create directory " + path, saved));
}

}  // namespace berth::base
