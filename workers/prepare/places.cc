// SPDX-License-Identifier: Apache-2.0
#include "prepare/places.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "protocol/output_file.h"

namespace berth::prepare {

namespace fs = std::filesystem;
using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

namespace {

constexpr size_t kCopyBlock = 1 << 18;

tl::unexpected<Error> trouble(const char* what, const std::string& file, int errno_value) {
  return tl::unexpected<Error>(protocol::system_error(what, file, errno_value));
}

Status copy_content(int from, const std::string& name, protocol::OutputFile* to) {
  std::vector<char> block(kCopyBlock);
  while (true) {
    const ssize_t bytes = ::read(from, block.data(), block.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return trouble("cannot read", name, errno);
    if (bytes == 0) return to->commit();
    if (auto written = to->write(block.data(), static_cast<size_t>(bytes)); !written)
      return written;
  }
}

}  // namespace

bool lies_in(const std::string& path, const std::string& folder) {
  std::error_code ignored;
  const fs::path real = fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  const fs::path base = fs::weakly_canonical(fs::absolute(folder, ignored), ignored);
  const fs::path relative = real.lexically_relative(base);
  return !relative.empty() && *relative.begin() != "..";
}

Status copy_file(const std::string& from, const std::string& to) {
  const int fd = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return trouble("cannot read", from, errno);
  struct stat status{};
  Status outcome;
  if (::fstat(fd, &status) != 0) {
    outcome = trouble("cannot read", from, errno);
  } else if (!S_ISREG(status.st_mode)) {
    outcome = failed(ErrorCode::kIoError, "cannot read " + from + ": it is not a file", from);
  } else {
    // Can be made again at any time, so a flush to the disk per picture would be wasted.
    auto file = protocol::OutputFile::create(to, static_cast<uint64_t>(status.st_size),
                                             protocol::Durability::kRenamed);
    outcome = file ? copy_content(fd, from, &*file) : Status(forward_error(file));
  }
  ::close(fd);
  return outcome;
}

Status link_file(const std::string& from, const std::string& to) {
  std::error_code error;
  const fs::path real = fs::canonical(from, error);  // a link to a link would be a link
  if (error) return trouble("cannot read", from, error.value());
  ::unlink(to.c_str());
  if (::link(real.c_str(), to.c_str()) == 0) return {};
  if (errno == EXDEV) {
    return failed(ErrorCode::kIoError,
                  "cannot link " + from +
                      ": input_path and output_path lie on different file "
                      "systems; leave out \"link\" to copy",
                  from);
  }
  return trouble("cannot link", from, errno);
}

}  // namespace berth::prepare
