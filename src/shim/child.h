// SPDX-License-Identifier: Apache-2.0
// Between fork and exec of the task's main process.
#pragma once

#include <sys/types.h>

#include "shim/options.h"

namespace berth::shim {

/// What the child tells its parent when it could not execute the program.
struct ExecFailure {
  enum Step : int { kNone, kUser, kDirectory, kProgram };
  int step = kNone;
  int error = 0;  // errno
};

struct ChildSetup {
  const Options* options = nullptr;
  int dir = -1;  // the attempt's directory
  int output = -1;
  int error = -1;
  int failure_pipe = -1;  // write end, close-on-exec
  pid_t shim = 0;
  bool enter_cgroup = false;    // it is not there yet
  char oom_score_adj[16] = "";  // what the shim was started with; empty: leave it
};

/// Never returns: becomes the task, or reports an ExecFailure and exits with 126 or 127.
[[noreturn]] void become_task(const ChildSetup& setup);

/// Sets our own OOM score adjustment to `text`; with `previous`, tells what it was.
void set_oom_score(const char* text, char* previous, std::size_t previous_size);
/// Of a process that tasks depend on: others are chosen before it when memory runs out. Inherited.
void protect_from_oom(char* previous, std::size_t previous_size);

}  // namespace berth::shim
