// SPDX-License-Identifier: Apache-2.0
#include "protocol/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "protocol/output_file.h"

namespace berth::protocol {
namespace {

namespace fs = std::filesystem;

// The names of files that tasks have written there, a line each.
constexpr const char* kClaimed = ".berth-output";

}  // namespace

OutputFolder::OutputFolder(std::string field, std::string path, int fd)
    : field_(std::move(field)), path_(std::move(path)), fd_(fd) {}

OutputFolder::OutputFolder(OutputFolder&& other) noexcept
    : field_(std::move(other.field_)), path_(std::move(other.path_)), fd_(other.fd_) {
  other.fd_ = -1;
}

OutputFolder::~OutputFolder() {
  if (fd_ >= 0) ::close(fd_);
}

Result<OutputFolder> OutputFolder::open(const std::string& field, const std::string& path) {
  std::error_code ignored;
  if (fs::exists(path, ignored) && !fs::is_directory(path, ignored)) {
    return failed(ErrorCode::kBadRequest,
                  field + " " + path + " is a file: it must be a folder, or not exist yet", path);
  }
  if (auto made = make_folders(path); !made) return forward_error(made);
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return tl::unexpected<Error>(system_error("cannot open the folder", path, errno));
  OutputFolder folder(field, path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return failed(ErrorCode::kBadRequest,
                  "another task is writing to " + field + " " + path +
                      ": wait for its end or choose another folder",
                  path);
  }
  return folder;
}

Status OutputFolder::claim(const std::vector<std::string>& names) const {
  constexpr uint64_t kMostBytes = 1U << 30;
  const std::string list = path_ + "/" + kClaimed;
  std::string text;
  if (::access(list.c_str(), F_OK) == 0) {
    auto known = read_file(list, kMostBytes);
    if (!known) return forward_error(known);
    text = std::move(*known);
  }
  std::unordered_set<std::string> claimed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) claimed.insert(std::move(line));
  for (const std::string& name : names) {
    if (!claimed.insert(name).second) continue;
    if (::faccessat(fd_, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      return failed(ErrorCode::kBadRequest,
                    field_ + " " + path_ + " already holds " + name +
                        ", which would be replaced: choose another folder",
                    path_);
    }
    text += name + "\n";
  }
  return text.empty() ? Status() : write_file(list, text, Durability::kRenamed);
}

}  // namespace berth::protocol
