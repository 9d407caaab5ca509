// SPDX-License-Identifier: Apache-2.0
#include "supervise/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/fd.h"
#include "base/text.h"

namespace berth::supervise {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::size_t kLongestName = 200;
constexpr const char* kOfShim = ".shim";  // a task's ends in ".N"

// A task id may hold anything; a cgroup's name may not.
std::string file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (plain) {
      name += c;
    } else {
      char code[8];
      std::snprintf(code, sizeof code, "_%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      name += code;
    }
  }
  if (name.size() > kLongestName) {
    name.resize(kLongestName);
    name += "_" + std::to_string(std::hash<std::string_view>{}(text));
  }
  return name;
}

// Blanks and the like are written as three octal digits in mountinfo.
std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '7';
    };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                  (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

bool write_text(const std::string& path, std::string_view text) {
  const base::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() &&
         ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void kill_members(const std::string& path) {
  const auto members = base::read_file(path + "/cgroup.procs");
  if (!members) return;
  for (const auto& line : base::split(*members, '\n')) {
    if (const auto pid = base::parse_number(line); pid && *pid > 1 && *pid != ::getpid()) {
      ::kill(static_cast<pid_t>(*pid), SIGKILL);
    }
  }
}

}  // namespace

std::optional<CgroupMount> find_cgroup_mount(std::string_view mountinfo) {
  for (const auto& line : base::split(mountinfo, '\n')) {
    const auto separator = line.find(" - ");
    if (separator == std::string::npos || !line.substr(separator + 3).starts_with("cgroup2 "))
      continue;
    const auto fields = base::split(line, ' ');
    if (fields.size() < 5) continue;
    return CgroupMount{unescape(fields[4]), unescape(fields[3])};
  }
  return std::nullopt;
}

base::Result<std::string> own_cgroup_directory(std::string_view mountinfo,
                                               std::string_view cgroup) {
  const auto found = find_cgroup_mount(mountinfo);
  if (!found) return fail(ErrorCode::kUnavailable, "no cgroup v2 is mounted");
  const auto& [mount, root] = *found;

  std::string path;
  for (const auto& line : base::split(cgroup, '\n')) {
    if (line.starts_with("0::")) path = line.substr(3);
  }
  if (path.empty()) return fail(ErrorCode::kUnavailable, "this process is in no cgroup v2");
  // In a container a part of the hierarchy may be mounted as if it were all.
  if (root != "/" && path.starts_with(root)) path.erase(0, root.size());
  if (path.find("/..") != std::string::npos) {
    return fail(ErrorCode::kUnavailable,
                "our own cgroup " + path + " lies outside the mounted part");
  }
  while (path.ends_with('/')) path.pop_back();
  return mount + path;
}

Cgroups Cgroups::detect(std::string_view id) {
  Cgroups cgroups;
  const auto refuse = [&](const std::string& why) {
    cgroups.text_ = "process groups only: " + why;
    return cgroups;
  };
  const auto mountinfo = base::read_file("/proc/self/mountinfo");
  const auto cgroup = base::read_file("/proc/self/cgroup");
  if (!mountinfo || !cgroup) return refuse("/proc cannot be read");
  const auto own = own_cgroup_directory(*mountinfo, *cgroup);
  if (!own) return refuse(own.error().message);
  // Moving a process needs write access where it comes from and where it goes to.
  if (::access((*own + "/cgroup.procs").c_str(), W_OK) != 0) {
    return refuse(base::errno_error("cannot write " + *own + "/cgroup.procs", errno).message);
  }
  const std::string parent = *own + "/berth-" + file_name(id);
  if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) {
    return refuse(base::errno_error("cannot create " + parent, errno).message);
  }
  if (::access((parent + "/cgroup.procs").c_str(), W_OK) != 0) {
    return refuse(base::errno_error("cannot write " + parent + "/cgroup.procs", errno).message);
  }
  cgroups.mount_ = find_cgroup_mount(*mountinfo)->point;
  cgroups.parent_ = parent;
  cgroups.text_ = "cgroup v2";
  return cgroups;
}

Cgroups Cgroups::at(std::string mount, std::string parent) {
  Cgroups cgroups;
  cgroups.mount_ = std::move(mount);
  cgroups.parent_ = std::move(parent);
  cgroups.text_ = "cgroup v2";
  return cgroups;
}

std::string Cgroups::path_for(const model::TaskId& task, int attempt) const {
  if (parent_.empty()) return {};
  return parent_ + "/" + file_name(task.value) + "." + std::to_string(attempt);
}

std::string Cgroups::path_for_shim(std::string_view name) const {
  if (parent_.empty()) return {};
  return parent_ + "/" + file_name(name) + kOfShim;
}

// A group with a member, as that of an attempt has one, cannot be removed.
void Cgroups::sweep() const {
  if (parent_.empty()) return;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(parent_, code)) {
    if (entry.path().filename().string().ends_with(kOfShim)) ::rmdir(entry.path().c_str());
  }
}

void Cgroups::release() const {
  sweep();
  if (!parent_.empty()) ::rmdir(parent_.c_str());
}

base::Status remove_cgroup(const std::string& path) {
  constexpr int kTries = 50;
  if (path.empty()) return {};
  for (int i = 0;; ++i) {
    if (!write_text(path + "/cgroup.kill", "1")) kill_members(path);
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY || i == kTries)
      return fail(base::errno_error("cannot remove cgroup " + path, errno));
    ::poll(nullptr, 0, 1);  // a member that was killed takes a moment to go
  }
}

}  // namespace berth::supervise
