// SPDX-License-Identifier: Apache-2.0
#include "shim/child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "shim/layout.h"
#include "shim/record.h"
#include "shim/tree.h"

namespace berth::shim {
namespace {

[[noreturn]] void fail(const ChildSetup& setup, ExecFailure::Step step, int error) {
  write_failure(setup.claim, {ExecFailure::kMark, step, error});
  const bool not_found = step == ExecFailure::kProgram && (error == ENOENT || error == ENOTDIR);
  _exit(not_found ? kExitNotFound : kExitNotExecutable);
}

void reset_signals() {
  // Not glibc's sigaction, which leaves out the two signals that it uses itself: a parent may have
  // ignored them. All zeros is SIG_DFL without flags, however the kernel's structure is laid out.
  const unsigned long default_action[8] = {};
  constexpr unsigned long kMaskBytes = 8;
  for (int signal = 1; signal < NSIG; ++signal) {
    syscall(SYS_rt_sigaction, signal, default_action, nullptr, kMaskBytes);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void hide_descriptors() {
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = 3; fd < 1024; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// Raising a hard limit takes a right that a container may lack: then as much as there is.
void set_resource_limits(const Options& options) {
  for (int i = 0; i < options.resource_limit_count; ++i) {
    const ResourceLimit& wanted = options.resource_limits[i];
    const auto resource = static_cast<__rlimit_resource_t>(wanted.resource);
    rlimit limit{wanted.soft, wanted.hard};
    if (setrlimit(resource, &limit) == 0 || getrlimit(resource, &limit) != 0) continue;
    limit.rlim_max = wanted.hard < limit.rlim_max ? wanted.hard : limit.rlim_max;
    limit.rlim_cur = wanted.soft < limit.rlim_max ? wanted.soft : limit.rlim_max;
    setrlimit(resource, &limit);
  }
}

// The word to go, passed on by the shim; false when that is gone. Nothing else is waited for: a
// signal to end stays pending and ends the task.
bool wait_for_word(pid_t shim) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGHUP);
  sigaddset(&wanted, go_signal());
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  while (getppid() == shim) {
    if (sigwaitinfo(&wanted, nullptr) == go_signal()) return true;
  }
  return false;
}

bool become_user(const Options& options) {
  return setgroups(static_cast<std::size_t>(options.group_count), options.groups) == 0 &&
         setresgid(options.gid, options.gid, options.gid) == 0 &&
         setresuid(options.uid, options.uid, options.uid) == 0;
}

}  // namespace

void become_task(const ChildSetup& setup) {
  const Options& options = *setup.options;
  // Ours would keep it open when the shim is gone.
  if (setup.channel >= 0) close(setup.channel);
  setsid();
  if (options.nice != kSameNice) setpriority(PRIO_PROCESS, 0, options.nice);
  if (setup.enter_cgroup) enter_cgroup(options.cgroup);

  // Standard input is the shim's own: /dev/null.
  dup2(setup.output, 1);
  dup2(setup.error, 2);
  hide_descriptors();

  // As whom the shim is: the task's user could say the word to what is his.
  if (setup.channel >= 0 && !wait_for_word(setup.shim)) _exit(kExitNotExecutable);
  // The attempt's directory may be closed to the user that the task runs as.
  if (options.cwd == nullptr && fchdir(setup.dir) != 0) fail(setup, ExecFailure::kDirectory, errno);
  set_resource_limits(options);
  if (options.has_user && !become_user(options)) fail(setup, ExecFailure::kUser, errno);
  if (options.cwd != nullptr && chdir(options.cwd) != 0)
    fail(setup, ExecFailure::kDirectory, errno);

  // After the change of user, which clears it. A shim that was killed in between is noticed here.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != setup.shim) raise(SIGKILL);
  reset_signals();
  execvp(options.argv[0], options.argv);
  fail(setup, ExecFailure::kProgram, errno);
}

}  // namespace berth::shim
