// SPDX-License-Identifier: Apache-2.0
// berth-shim: the parent of a task's processes. It outlives the daemon, keeps the task's output,
// brings the whole tree down, and leaves behind how it ended. The order: a session without
// terminal, identity, where it is held the main process and the word to go, claim (so that a launch
// carried out twice starts one process), else the main process, loop, exit record; then the next
// attempt, where there is somebody who asks for it.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "shim/launcher.h"
#include "shim/options.h"
#include "shim/record.h"
#include "shim/supervisor.h"
#include "shim/text.h"
#include "shim/tree.h"

namespace berth::shim {
namespace {

// Sees one attempt through; what the shim exits with, and whether it is fit for another one.
int serve(const Options& options, int channel, bool* fit) {
  const int dir = open(options.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return kExitCannotStart;
  Claim claim;
  if (const int refused = prepare_claim(dir, wall_ms(), options.cgroup, &claim); refused != 0)
    return refused;
  Supervisor supervisor(options, dir, claim, channel);
  int code = supervisor.prepare() ? kExitRecorded : kExitCannotStart;
  if (code == kExitRecorded && channel >= 0 && !supervisor.wait_for_go()) code = kExitNotWanted;
  if (code == kExitRecorded)
    code = take_claim(dir, claim);
  else
    drop_claim(dir, claim);
  if (code == kExitRecorded)
    code = supervisor.run();
  else
    supervisor.abandon();
  close(dir);
  *fit = !supervisor.spoilt();
  return code;
}

bool say_ended(int channel) {
  return send(channel, &kWordEnded, sizeof kWordEnded, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

// The cgroup that goes with the shim: it may be another one for the next attempt.
class KeptCgroup {
 public:
  void change_to(const Options& options) {
    const bool same =
        options.keep_cgroup && options.cgroup != nullptr && std::strcmp(path_, options.cgroup) == 0;
    if (same) return;
    drop();
    if (options.keep_cgroup && options.cgroup != nullptr)
      Text(path_, sizeof path_) << options.cgroup;
  }
  void drop() {
    if (path_[0] != '\0') remove_cgroup(path_);
    path_[0] = '\0';
  }

 private:
  char path_[4200] = "";
};

int run_shim(int argc, char** argv, int channel) {
  // Before anything else: a cancel that comes early waits until the loop reads it.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  if (!is_fork_of_launcher()) setsid();

  static Options options;
  static KeptCgroup cgroup;
  int code = kExitRecorded;
  bool fit = true;
  do {
    if (!parse_options(argc, argv, &options)) return kExitUsage;
    cgroup.change_to(options);
    code = serve(options, channel, &fit);
  } while (code == kExitRecorded && fit && channel >= 0 && say_ended(channel) &&
           next_request(channel, &argc, &argv));
  cgroup.drop();
  return code;
}

}  // namespace
}  // namespace berth::shim

int main(int argc, char** argv) {
  using namespace berth::shim;
  if (argc > 1 && std::strcmp(argv[1], kLauncherOption) == 0)
    return run_launcher(argc, argv, run_shim);
  return run_shim(argc, argv, -1);
}
