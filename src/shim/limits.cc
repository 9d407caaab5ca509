// SPDX-License-Identifier: Apache-2.0
#include "shim/limits.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "shim/layout.h"

namespace berth::shim {
namespace {

constexpr int kPatienceMs = 10'000;
constexpr int kLookEveryMs = 2;

[[noreturn]] void become_program(const char* program, const char* cgroup, const GpuLimit& limit) {
  char mib[24];
  std::snprintf(mib, sizeof mib, "%lld", static_cast<long long>(limit.mib));
  const char* arguments[] = {program, "memory-limits", "--set", "-n", cgroup,    "--soft-limit",
                             "0",     "--hard-limit",  mib,     "-i", limit.gpu, nullptr};
  // Not the task's environment: this runs with our rights.
  const char* environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", nullptr};
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(program, const_cast<char**>(arguments), const_cast<char**>(environment));
  _exit(kExitNotExecutable);
}

/// Exit status of the program; -1 when it was killed, did not end in time or could not be started.
int run(const char* program, const char* cgroup, const GpuLimit& limit) {
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) become_program(program, cgroup, limit);
  for (int waited = 0;; waited += kLookEveryMs) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (ended < 0 && errno != EINTR) return -1;
    // One that is stuck in the driver is collected with the task's tree.
    if (waited >= kPatienceMs) {
      kill(child, SIGKILL);
      return -1;
    }
    const timespec moment{0, kLookEveryMs * 1'000'000L};
    nanosleep(&moment, nullptr);
  }
}

}  // namespace

void set_limits(int dir, const char* program, const char* cgroup, const GpuLimit* limits,
                int count) {
  const int fd = openat(dir, kLimitsFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  for (int i = 0; i < count; ++i) {
    const int status = run(program, cgroup, limits[i]);
    char line[256];
    const int size = std::snprintf(line, sizeof line, "%s %lld %d\n", limits[i].gpu,
                                   static_cast<long long>(limits[i].mib), status);
    if (fd < 0 || size <= 0 || size >= static_cast<int>(sizeof line)) continue;
    if (write(fd, line, static_cast<std::size_t>(size)) < 0) {
    }
  }
  if (fd >= 0) close(fd);
}

}  // namespace berth::shim
