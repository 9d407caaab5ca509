// SPDX-License-Identifier: Apache-2.0
#include "shim/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>  // renameat2
#include <cstring>

#include "shim/layout.h"
#include "shim/text.h"
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

char scratch[kIdentityBytes];

// The identity at the front of `scratch`; how long it is.
std::size_t put_identity(bool locked, std::int64_t started_ms, const char* cgroup) {
  remember_boot_id();
  Text text(scratch, sizeof scratch);
  text << "pid=" << getpid() << "\n";
  // Reading it is a good part of what a short task costs, and the lock tells as well.
  if (!locked) text << "start_time=" << static_cast<std::int64_t>(start_time_of(getpid())) << "\n";
  text << "boot_id=" << boot_id << "\nstarted_ms=" << started_ms << "\n";
  if (cgroup != nullptr && std::strlen(cgroup) < 4096) text << "cgroup=" << cgroup << "\n";
  return text.size();
}

// Fills the file up to `size` bytes with line feeds.
bool pad(int file, std::size_t from, std::size_t size) {
  constexpr std::size_t kBlock = 512;
  char block[kBlock];
  std::memset(block, '\n', kBlock);
  iovec parts[(kIdentityBytes + kExitRecordBytes) / kBlock];
  while (from < size) {
    int count = 0;
    for (std::size_t at = from; at < size; at += kBlock)
      parts[count++] = {block, size - at < kBlock ? size - at : kBlock};
    const ssize_t put = pwritev(file, parts, count, static_cast<off_t>(from));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    from += static_cast<std::size_t>(put);
  }
  return true;
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
  Text(claim->name, sizeof claim->name) << kClaimFile << "." << getpid();
  claim->file = openat(dir, claim->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (claim->file < 0) return kExitCannotStart;
  // A file system without locks: adoption then goes by process identity alone.
  const bool locked = flock(claim->file, LOCK_EX | LOCK_NB) == 0;
  claim->identity_size = put_identity(locked, started_ms, cgroup);
  if (put_all(claim->file, scratch, claim->identity_size, 0) &&
      pad(claim->file, claim->identity_size, kIdentityBytes + kExitRecordBytes)) {
    return 0;
  }
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
  char line[32];
  Text text(line, sizeof line);
  text << "child_pid=" << child << "\n";
  if (put_all(claim->file, line, text.size(), static_cast<off_t>(claim->identity_size)))
    claim->identity_size += text.size();
}

// Not by write(2), which the task's limit of file sizes may forbid.
void write_failure(int claim_file, const ExecFailure& failure) {
  static_assert(kIdentityBytes % 4096 == 0);
  void* const place =
      mmap(nullptr, sizeof failure, PROT_READ | PROT_WRITE, MAP_SHARED, claim_file, kIdentityBytes);
  if (place == MAP_FAILED)
    put_all(claim_file, reinterpret_cast<const char*>(&failure), sizeof failure, kIdentityBytes);
  else
    std::memcpy(place, &failure, sizeof failure);
}

ExecFailure read_failure(const Claim& claim) {
  ExecFailure failure;
  const ssize_t got = pread(claim.file, &failure, sizeof failure, kIdentityBytes);
  const bool told =
      got == static_cast<ssize_t>(sizeof failure) && failure.mark == ExecFailure::kMark;
  return told ? failure : ExecFailure{};
}

bool write_exit_record(const Claim& claim, const ExitRecord& record, bool durable) {
  static_assert(kIdentityBytes >= kExitRecordBytes);
  Text text(scratch, kExitRecordBytes);
  text << "version=1\n";
  if (WIFEXITED(record.status))
    text << "exit_code=" << WEXITSTATUS(record.status) << "\n";
  else if (WIFSIGNALED(record.status))
    text << "signal=" << WTERMSIG(record.status) << "\n";
  text << "cause=" << record.cause << "\nstarted_ms=" << record.started_ms
       << "\nended_ms=" << record.ended_ms << "\nuser_us=" << record.user_us
       << "\nsystem_us=" << record.system_us << "\nmax_rss_kb=" << record.max_rss_kb
       << "\ndropped=" << record.dropped << "\nmessage=";
  const std::size_t message_at = text.size();
  text << record.message;
  for (char* c = scratch + message_at; *c != '\0'; ++c) {
    if (static_cast<unsigned char>(*c) < 0x20) *c = '?';
  }
  text << "\n";
  const std::uint64_t sum = fnv1a(scratch, text.size());
  (text << "sum=").hex(sum) << "\n";
  // One write, over all that a failed start may have left there.
  std::memset(scratch + text.size(), '\n', kExitRecordBytes - text.size());
  if (!put_all(claim.file, scratch, kExitRecordBytes, kIdentityBytes)) return false;
  return !durable || fsync(claim.file) == 0;
}

std::int64_t wall_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace berth::shim
