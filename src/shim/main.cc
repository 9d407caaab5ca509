// SPDX-License-Identifier: Apache-2.0
// berth-shim: the parent of a task's processes. It outlives the daemon, keeps the task's output,
// brings the whole tree down, and leaves behind how it ended. The order: a session without terminal, identity,
// the word to go where it is waited for, claim (so that a launch carried out twice starts one
// process), task, loop, exit record.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "shim/hold.h"
#include "shim/launcher.h"
#include "shim/options.h"
#include "shim/record.h"
#include "shim/supervisor.h"

namespace berth::shim {
namespace {

int run_shim(int argc, char** argv) {
  // Before anything else: a cancel that comes early waits until the loop reads it.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);

  static Options options;
  if (!parse_options(argc, argv, &options)) return kExitUsage;
  const int dir = open(options.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return kExitCannotStart;

  if (!is_fork_of_launcher()) setsid();
  Claim claim;
  if (const int refused = prepare_claim(dir, wall_ms(), options.cgroup, &claim); refused != 0)
    return refused;
  static Supervisor supervisor(options, dir, claim);
  const bool ready = supervisor.prepare();
  if (!ready || (options.hold && !wait_for_go(launcher_pid()))) {
    supervisor.abandon();
    drop_claim(dir, claim);
    return ready ? kExitNotWanted : kExitCannotStart;
  }
  if (const int refused = take_claim(dir, claim); refused != 0) {
    supervisor.abandon();
    return refused;
  }
  return supervisor.run();
}

}  // namespace
}  // namespace berth::shim

int main(int argc, char** argv) {
  using namespace berth::shim;
  if (argc > 1 && std::strcmp(argv[1], kLauncherOption) == 0)
    return run_launcher(argc, argv, run_shim);
  return run_shim(argc, argv);
}
