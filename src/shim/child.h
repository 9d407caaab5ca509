// SPDX-License-Identifier: Apache-2.0
// Between fork and exec of the task's main process.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>

#include "shim/options.h"

namespace berth::shim {

/// What the child tells its parent when it could not execute the program.
struct ExecFailure {
  enum Step : int { kNone, kUser, kDirectory, kProgram };
  static constexpr std::uint64_t kMark = 0x6275'7274'6820'6e6fULL;  // nothing else looks like it

  std::uint64_t mark = kMark;
  int step = kNone;
  int error = 0;  // errno
};

struct ChildSetup {
  const Options* options = nullptr;
  int dir = -1;  // the attempt's directory
  int output = -1;
  int error = -1;
  int claim = -1;  // close-on-exec
  pid_t shim = 0;
  int channel = -1;           // the shim's, when it is held: waits for its word to go
  bool enter_cgroup = false;  // it is not there yet
};

/// The word to go, of a held shim to its child.
inline int go_signal() { return SIGRTMIN + 1; }

/// Never returns: becomes the task, or reports an ExecFailure and exits with 126 or 127.
[[noreturn]] void become_task(const ChildSetup& setup);

}  // namespace berth::shim
