// SPDX-License-Identifier: Apache-2.0
#include "shim/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shim/text.h"

namespace berth::shim {
namespace {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  std::uint64_t start_time = 0;
  bool ours = false;
};

// Reads parent and start time; the name in field 2 may itself hold blanks and brackets.
bool read_stat(pid_t pid, Process* process) {
  char path[40];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[1024];
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return false;
  text[got] = '\0';
  const char* behind_name = std::strrchr(text, ')');
  if (behind_name == nullptr) return false;
  long parent = 0;
  unsigned long long start = 0;
  if (std::sscanf(
          behind_name + 1,
          " %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
          &parent, &start) != 2) {
    return false;
  }
  *process = Process{pid, static_cast<pid_t>(parent), start, false};
  return true;
}

// The list grows and is kept: it is only needed when a tree is brought down.
struct ProcessList {
  Process* items = nullptr;
  int count = 0;
  int capacity = 0;

  void add(const Process& process) {
    if (count == capacity) {
      const int wanted = capacity == 0 ? 512 : capacity * 2;
      void* bigger = std::realloc(items, sizeof(Process) * static_cast<std::size_t>(wanted));
      if (bigger == nullptr) return;
      items = static_cast<Process*>(bigger);
      capacity = wanted;
    }
    items[count++] = process;
  }
  // /proc lists PIDs in ascending order.
  [[nodiscard]] bool is_ours(pid_t pid) const {
    int low = 0, high = count;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (items[middle].pid < pid)
        low = middle + 1;
      else
        high = middle;
    }
    return low < count && items[low].pid == pid && items[low].ours;
  }
};

void read_processes(ProcessList* list) {
  list->count = 0;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return;
  while (const dirent* entry = readdir(proc)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    Process process;
    if (read_stat(std::atoi(entry->d_name), &process)) list->add(process);
  }
  closedir(proc);
}

bool signal_exactly(const Process& process, int signal) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
  if (pidfd < 0) {
    // ENOSYS: a kernel before 5.3, where only the number is left.
    return errno == ENOSYS && kill(process.pid, signal) == 0;
  }
  const bool same = start_time_of(process.pid) == process.start_time;
  const bool sent = same && syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
  close(pidfd);
  return sent;
}

// Of the last signal_descendants().
ProcessList signalled;

// -1 for a path that is too long, too.
int open_in(const char* directory, const char* file, int flags) {
  static char path[4200];
  Text text(path, sizeof path);
  text << directory << "/" << file;
  return text.full() ? -1 : open(path, flags | O_CLOEXEC);
}

bool reads_as(const char* directory, const char* file, const char* expected) {
  const int fd = open_in(directory, file, O_RDONLY);
  if (fd < 0) return false;
  char text[256];
  const ssize_t got = read(fd, text, sizeof text);
  close(fd);
  const std::size_t size = std::strlen(expected);
  return got == static_cast<ssize_t>(size) && std::memcmp(text, expected, size) == 0;
}

bool write_text(const char* directory, const char* file, const char* text) {
  const int fd = open_in(directory, file, O_WRONLY);
  if (fd < 0) return false;
  const bool written = write(fd, text, std::strlen(text)) > 0;
  close(fd);
  return written;
}

}  // namespace

std::uint64_t start_time_of(pid_t pid) {
  Process process;
  return read_stat(pid, &process) ? process.start_time : 0;
}

int signal_descendants(int signal) {
  ProcessList& list = signalled;
  read_processes(&list);
  const pid_t self = getpid();
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < list.count; ++i) {
      Process& process = list.items[i];
      if (process.ours || (process.parent != self && !list.is_ours(process.parent))) continue;
      process.ours = changed = true;
    }
  }
  int found = 0;
  for (int i = 0; i < list.count; ++i) {
    if (!list.items[i].ours) continue;
    ++found;
    signal_exactly(list.items[i], signal);
  }
  return found;
}

bool make_cgroup(const char* path) { return mkdir(path, 0755) == 0 || errno == EEXIST; }

bool enter_cgroup(const char* path) { return write_text(path, "cgroup.procs", "0"); }

pid_t fork_into_cgroup(const char* path) {
  const int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0) return -1;
  clone_args arguments{};
  arguments.flags = CLONE_INTO_CGROUP;
  arguments.cgroup = static_cast<std::uint64_t>(cgroup);
  arguments.exit_signal = SIGCHLD;
  const auto child = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
  if (child != 0) close(cgroup);  // the child closes all that it inherits
  return child;
}

void signal_cgroup(const char* path, int signal) {
  if (signal == SIGKILL && write_text(path, "cgroup.kill", "1")) return;
  const int fd = open_in(path, "cgroup.procs", O_RDONLY);
  FILE* members = fd >= 0 ? fdopen(fd, "r") : nullptr;
  if (members == nullptr) return;
  int pid = 0;
  while (std::fscanf(members, "%d", &pid) == 1) {
    // A handler that runs twice would undo or repeat what a program does at its end.
    if (pid <= 0 || pid == getpid()) continue;
    if (signal == SIGKILL || !signalled.is_ours(pid)) kill(pid, signal);
  }
  std::fclose(members);
}

bool is_unused_cgroup(const char* path) {
  struct stat info{};
  if (stat(path, &info) != 0 || info.st_nlink != 2) return false;  // groups below it
  return reads_as(path, "cgroup.events", "populated 0\nfrozen 0\n") &&
         reads_as(path, "cgroup.subtree_control", "");
}

bool remove_cgroup(const char* path) {
  // A member that has just ended keeps it busy for a moment.
  for (int i = 0; i < 40; ++i) {
    if (rmdir(path) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    const timespec moment{0, 5'000'000};
    nanosleep(&moment, nullptr);
  }
  return false;
}

}  // namespace berth::shim
