// SPDX-License-Identifier: Apache-2.0
#include "protocol/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>
#include <unordered_set>
#include <utility>

#include "protocol/output_file.h"

namespace berth::protocol {
namespace {

namespace fs = std::filesystem;

// The names of files that tasks have written there, each with a NUL byte behind it.
constexpr const char* kClaimed = ".berth-output";

// Whether an earlier attempt of this very task may be there still: it has been killed.
bool is_retry() {
  const char* attempt = std::getenv("BERTH_ATTEMPT");
  return attempt != nullptr && std::atoi(attempt) > 1;
}

// False where another one holds it for longer than a task takes that has been killed.
bool lock(int fd) {
  constexpr auto kPatience = std::chrono::seconds(5);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return true;  // no locks there
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

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
  if (!lock(fd) && !is_retry()) {
    return failed(ErrorCode::kBadRequest,
                  "another task is writing to " + field + " " + path +
                      ": wait for its end or choose another folder",
                  path);
  }
  return folder;
}

Status OutputFolder::claim(const std::vector<std::string>& names) const {
  if (names.empty()) return {};
  constexpr uint64_t kMostBytes = 1U << 30;
  const std::string list = path_ + "/" + kClaimed;
  std::string text;
  if (::access(list.c_str(), F_OK) == 0) {
    auto known = read_file(list, kMostBytes);
    if (!known) return forward_error(known);
    text = std::move(*known);
  }
  std::unordered_set<std::string> claimed;
  std::istringstream records(text);
  for (std::string name; std::getline(records, name, '\0');) claimed.insert(std::move(name));
  const size_t before = text.size();
  for (const std::string& name : names) {
    if (!claimed.insert(name).second) continue;
    const bool free = ::faccessat(fd_, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
                      (errno == ENOENT || errno == ENOTDIR);
    // An earlier attempt may be of a version that kept no list.
    if (!free && !is_retry()) {
      return failed(ErrorCode::kBadRequest,
                    field_ + " " + path_ + " already holds " + name +
                        ", which would be replaced: choose another folder",
                    path_);
    }
    text.append(name).push_back('\0');
  }
  return text.size() == before ? Status() : write_file(list, text, Durability::kRenamed);
}

}  // namespace berth::protocol
