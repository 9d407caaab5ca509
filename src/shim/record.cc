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

char boot_id[64];

std::size_t write_identity(char* text, std::size_t size, std::int64_t started_ms,
                           const char* cgroup) {
  remember_boot_id();
  int length = std::snprintf(text, size, "pid=%d\nstart_time=%llu\nboot_id=%s\nstarted_ms=%lld\n",
                             getpid(), static_cast<unsigned long long>(start_time_of(getpid())),
                             boot_id, static_cast<long long>(started_ms));
  if (cgroup != nullptr && std::strlen(cgroup) < 4096) {
    length += std::snprintf(text + length, size - static_cast<std::size_t>(length), "cgroup=%s\n",
                            cgroup);
  }
  text[length] = '\n';
  return static_cast<std::size_t>(length);
}

// Gives the file its name unless that is taken. 0 or an errno.
int name_once(int dir, const char* from, const char* to) {
  if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system that cannot do that in one step.
  if (linkat(dir, from, dir, to, 0) != 0) return errno;
  unlinkat(dir, from, 0);
  return 0;
}

}  // namespace

void remember_boot_id() {
  if (boot_id[0] != '\0') return;
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t got = read(fd, boot_id, sizeof boot_id - 1);
  close(fd);
  boot_id[got > 0 ? got : 0] = '\0';
  boot_id[std::strcspn(boot_id, "\n")] = '\0';
}

int prepare_claim(int dir, std::int64_t started_ms, const char* cgroup, Claim* claim) {
  if (faccessat(dir, kClaimFile, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return kExitClaimed;
  std::snprintf(claim->name, sizeof claim->name, "%s.%d", kClaimFile, getpid());
  static char text[kIdentityBytes + kExitRecordBytes];
  std::memset(text, '\n', sizeof text);
  claim->identity_size = write_identity(text, kIdentityBytes, started_ms, cgroup);
  claim->file = openat(dir, claim->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (claim->file < 0) return kExitCannotStart;
  // A file system without locks: adoption then goes by process identity alone.
  flock(claim->file, LOCK_EX | LOCK_NB);
  if (put_all(claim->file, text, sizeof text, 0)) return 0;
  drop_claim(dir, *claim);
  return kExitCannotStart;
}

void drop_claim(int dir, const Claim& claim) { unlinkat(dir, claim.name, 0); }

int take_claim(int dir, const Claim& claim) {
  const int error = name_once(dir, claim.name, kClaimFile);
  // Not synced: after a power cut, which may forget the claim, the daemon takes no attempt for one
  // that never ran (daemon/boot.h).
  if (error == 0) return 0;
  drop_claim(dir, claim);
  return error == EEXIST ? kExitClaimed : kExitCannotStart;
}

void give_up_claim(int dir) { unlinkat(dir, kClaimFile, 0); }

void add_child(Claim* claim, pid_t child) {
  char text[32];
  const int length = std::snprintf(text, sizeof text, "child_pid=%d\n", child);
  if (put_all(claim->file, text, static_cast<std::size_t>(length),
              static_cast<off_t>(claim->identity_size)))
    claim->identity_size += static_cast<std::size_t>(length);
}

bool write_exit_record(const Claim& claim, const ExitRecord& record, bool durable) {
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
  if (!put_all(claim.file, text, sizeof text, kIdentityBytes)) return false;
  return !durable || fsync(claim.file) == 0;
}

std::int64_t wall_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace berth::shim
