// SPDX-License-Identifier: Apache-2.0
#include "supervise/process.h"

#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <unordered_set>

#include "base/text.h"
#include "supervise/proc.h"

namespace berth::supervise {

using base::ErrorCode;
using base::fail;

namespace {

// glibc 2.36 has wrappers, but their header lacks extern "C".
base::Fd pidfd_of(int pid) { return base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

std::string process_text(int pid) { return "process " + std::to_string(pid); }

// A number in the blank-separated `text` at position `index`.
template <class T>
T field(const std::vector<std::string>& fields, std::size_t index) {
  T number{};
  if (index < fields.size()) {
    std::from_chars(fields[index].data(), fields[index].data() + fields[index].size(), number);
  }
  return number;
}

}  // namespace

std::optional<ProcStat> read_stat(int pid) {
  const auto text = base::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!text) return std::nullopt;
  // The name in field 2 may itself hold blanks and brackets.
  const auto behind_name = text->rfind(')');
  if (behind_name == std::string::npos || behind_name + 2 >= text->size()) return std::nullopt;
  const auto fields = base::split(std::string_view(*text).substr(behind_name + 2), ' ');
  if (fields.size() < 20 || fields[0].empty()) return std::nullopt;
  return ProcStat{pid, field<int>(fields, 1), fields[0][0], field<std::uint64_t>(fields, 19)};
}

std::vector<int> all_pids() {
  std::vector<int> pids;
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return pids;
  while (const dirent* entry = ::readdir(proc)) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
      pids.push_back(std::atoi(entry->d_name));
  }
  ::closedir(proc);
  std::sort(pids.begin(), pids.end());
  return pids;
}

namespace {

// Of "NAME=value" entries with a NUL behind each.
std::optional<std::string> find_variable(std::string_view environment, std::string_view name) {
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return std::string(entry.substr(name.size() + 1));
  }
  return std::nullopt;
}

std::string environment_of(int pid) {
  return base::read_file("/proc/" + std::to_string(pid) + "/environ", 8U << 20).value_or("");
}

}  // namespace

std::optional<std::string> read_variable(int pid, std::string_view name) {
  return find_variable(environment_of(pid), name);
}

std::vector<int> processes_with(std::string_view name, std::string_view value) {
  std::vector<int> found;
  for (const int pid : all_pids()) {
    if (read_variable(pid, name) == value) found.push_back(pid);
  }
  return found;
}

bool descends_from(int pid, int ancestor) {
  constexpr int kDeepest = 256;
  for (int depth = 0; depth < kDeepest && pid > 1; ++depth) {
    if (pid == ancestor) return true;
    const auto stat = read_stat(pid);
    if (!stat) return false;
    pid = stat->parent;
  }
  return false;
}

std::optional<TaskMark> read_mark(int pid) {
  const std::string environment = environment_of(pid);
  auto task = find_variable(environment, "BERTH_TASK_ID");
  if (!task || task->empty()) return std::nullopt;
  const auto attempt = find_variable(environment, "BERTH_ATTEMPT");
  const auto number = attempt ? base::parse_number(*attempt) : std::nullopt;
  return TaskMark{std::move(*task), static_cast<int>(number.value_or(0))};
}

const std::string& boot_id() {
  static const std::string id = [] {
    const auto text = base::read_file("/proc/sys/kernel/random/boot_id", 4096);
    return text ? std::string(base::trim(*text)) : std::string();
  }();
  return id;
}

base::Result<ProcessIdentity> identity_of(int pid) {
  const auto stat = read_stat(pid);
  if (!stat) return fail(ErrorCode::kNotFound, "there is no process " + std::to_string(pid));
  return ProcessIdentity{pid, stat->start_time, boot_id()};
}

base::Result<base::Fd> open_pidfd(const ProcessIdentity& identity) {
  const auto gone = [&] {
    return fail(ErrorCode::kNotFound, process_text(identity.pid) + " has ended");
  };
  if (identity.pid <= 0 || identity.boot_id != boot_id()) return gone();
  base::Fd pidfd = pidfd_of(identity.pid);
  if (!pidfd.valid()) {
    if (errno == ESRCH || errno == EINVAL) return gone();
    return fail(base::errno_error("cannot open " + process_text(identity.pid), errno));
  }
  // The descriptor pins a process; only now can the number not be given to another one.
  const auto stat = read_stat(identity.pid);
  if (!stat || stat->start_time != identity.start_time) return gone();
  return pidfd;
}

base::Status send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return {};
  if (errno == ESRCH) return fail(ErrorCode::kNotFound, "the process has ended");
  return fail(base::errno_error("cannot send signal " + std::to_string(signal), errno));
}

bool has_ended(int pidfd) {
  pollfd poll_fd{pidfd, POLLIN, 0};
  return ::poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLIN) != 0;
}

base::Result<std::optional<int>> reap(int pidfd) {
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info,
                  WEXITED | WNOHANG) != 0) {
    if (errno == EINTR) continue;
    if (errno == ECHILD) return std::optional<int>{};
    return fail(base::errno_error("cannot take the exit status of a shim", errno));
  }
  if (info.si_pid == 0) return std::optional<int>{};
  return std::optional<int>{info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status};
}

std::vector<int> descendants(int pid) {
  std::unordered_multimap<int, int> children;
  for (const int other : all_pids()) {
    const auto stat = read_stat(other);
    if (stat && stat->state != 'Z' && stat->state != 'X') children.emplace(stat->parent, other);
  }
  std::vector<int> found{pid};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

base::Result<int> kill_strays(const model::TaskId& task, int attempt) {
  constexpr int kRounds = 8;
  std::unordered_set<int> killed;
  for (int round = 0; round < kRounds; ++round) {
    bool found = false;
    for (const int pid : all_pids()) {
      if (pid == ::getpid()) continue;
      const base::Fd pidfd = pidfd_of(pid);
      if (!pidfd.valid()) continue;
      const auto mark = read_mark(pid);  // after opening: the mark is of the process that is pinned
      if (!mark || mark->task != task.value || mark->attempt != attempt || has_ended(pidfd.get()))
        continue;
      found = true;
      if (send_signal(pidfd.get(), SIGKILL)) killed.insert(pid);
    }
    if (!found) break;
  }
  return static_cast<int>(killed.size());
}

}  // namespace berth::supervise
