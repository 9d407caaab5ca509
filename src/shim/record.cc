// SPDX-License-Identifier: Apache-2.0
#include "shim/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shim/layout.h"
#include "shim/tree.h"

namespace berth::shim {
namespace {

bool put_all(int fd, const char* bytes, std::size_t count, off_t at) {
  while (count > 0) {
    const ssize_t put = pwrite(fd, bytes, count, at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes += put;
    at += put;
    count -= static_cast<std::size_t>(put);
  }
  return true;
}

int open_new(int dir, const char* name) {
  return openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

}  // namespace

int take_claim(int dir, Claim* claim) {
  if (faccessat(dir, kClaimFile, F_OK, 0) == 0) return kExitClaimed;
  char claim_name[40], exit_name[40];
  std::snprintf(claim_name, sizeof claim_name, "%s.%d", kClaimFile, getpid());
  std::snprintf(exit_name, sizeof exit_name, "%s.%d", kExitFile, getpid());
  const auto undo = [&](int code) {
    unlinkat(dir, claim_name, 0);
    unlinkat(dir, exit_name, 0);
    return code;
  };

  char blank[kExitRecordBytes];
  std::memset(blank, '\n', sizeof blank);
  claim->lock = open_new(dir, claim_name);
  claim->exit_record = open_new(dir, exit_name);
  if (claim->lock < 0 || claim->exit_record < 0) return undo(kExitCannotStart);
  // A file system without locks: adoption then goes by process identity alone.
  flock(claim->lock, LOCK_EX | LOCK_NB);
  // Written now, so that there is room for it on a disk that is full by the end.
  if (!put_all(claim->exit_record, blank, sizeof blank, 0)) return undo(kExitCannotStart);
  if (linkat(dir, claim_name, dir, kClaimFile, 0) != 0) {
    return undo(errno == EEXIST ? kExitClaimed : kExitCannotStart);
  }
  unlinkat(dir, claim_name, 0);
  if (renameat(dir, exit_name, dir, kExitFile) != 0) {
    give_up_claim(dir);
    return undo(kExitCannotStart);
  }
  // Not synced: after a power cut, which may forget the claim, the daemon takes no attempt for one
  // that never ran (daemon/boot.h).
  return 0;
}

void give_up_claim(int dir) {
  unlinkat(dir, kShimFile, 0);
  unlinkat(dir, kExitFile, 0);
  unlinkat(dir, kClaimFile, 0);
}

bool write_identity(int dir, std::int64_t started_ms, const char* cgroup, int* file) {
  char boot[64] = "";
  const int boot_fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (boot_fd >= 0) {
    const ssize_t got = read(boot_fd, boot, sizeof boot - 1);
    close(boot_fd);
    boot[got > 0 ? got : 0] = '\0';
    boot[std::strcspn(boot, "\n")] = '\0';
  }
  char text[4608];
  int length =
      std::snprintf(text, sizeof text, "pid=%d\nstart_time=%llu\nboot_id=%s\nstarted_ms=%lld\n",
                    getpid(), static_cast<unsigned long long>(start_time_of(getpid())), boot,
                    static_cast<long long>(started_ms));
  if (cgroup != nullptr && std::strlen(cgroup) < 4096) {
    length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length),
                            "cgroup=%s\n", cgroup);
  }
  constexpr char kTemporary[] = "shim.new";
  const int fd = open_new(dir, kTemporary);
  if (fd < 0) return false;
  if (put_all(fd, text, static_cast<std::size_t>(length), 0) &&
      renameat(dir, kTemporary, dir, kShimFile) == 0) {
    *file = fd;
    return true;
  }
  close(fd);
  unlinkat(dir, kTemporary, 0);
  return false;
}

void add_child(int file, pid_t child) {
  char text[32];
  const int length = std::snprintf(text, sizeof text, "child_pid=%d\n", child);
  struct stat status{};
  if (fstat(file, &status) == 0)
    put_all(file, text, static_cast<std::size_t>(length), status.st_size);
  close(file);
}

bool write_exit_record(int fd, const ExitRecord& record, bool durable) {
  char text[kExitRecordBytes];
  char message[1024];
  std::snprintf(message, sizeof message, "%s", record.message);
  for (char* c = message; *c != '\0'; ++c) {
    if (static_cast<unsigned char>(*c) < 0x20) *c = '?';
  }
  char how[32] = "";
  if (WIFEXITED(record.status)) {
    std::snprintf(how, sizeof how, "exit_code=%d\n", WEXITSTATUS(record.status));
  } else if (WIFSIGNALED(record.status)) {
    std::snprintf(how, sizeof how, "signal=%d\n", WTERMSIG(record.status));
  }
  int length = std::snprintf(
      text, sizeof text,
      "version=1\n%scause=%s\nstarted_ms=%lld\nended_ms=%lld\nuser_us=%lld\nsystem_us=%lld\n"
      "max_rss_kb=%lld\ndropped=%lld\nmessage=%s\n",
      how, record.cause, static_cast<long long>(record.started_ms),
      static_cast<long long>(record.ended_ms), static_cast<long long>(record.user_us),
      static_cast<long long>(record.system_us), static_cast<long long>(record.max_rss_kb),
      static_cast<long long>(record.dropped), message);
  const std::uint64_t sum = fnv1a(text, static_cast<std::size_t>(length));
  length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length),
                          "sum=%016llx\n", static_cast<unsigned long long>(sum));
  std::memset(text + length, '\n', sizeof text - static_cast<std::size_t>(length));
  if (!put_all(fd, text, sizeof text, 0)) return false;
  if (durable) return fsync(fd) == 0;
  return true;
}

std::int64_t wall_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace berth::shim
