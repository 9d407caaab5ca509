// SPDX-License-Identifier: Apache-2.0
// How shims and their launcher are started: in a session of their own, with standard streams and
// nothing else of ours. Internal to this folder.
#pragma once

#include <fcntl.h>
#include <spawn.h>

#include <csignal>

namespace berth::supervise {

/// posix_spawn's two objects, freed.
struct SpawnSetup {
  posix_spawnattr_t attributes{};
  posix_spawn_file_actions_t actions{};

  /// `input`: a descriptor for standard input; below 0 it is /dev/null.
  explicit SpawnSetup(int input = -1) {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    // Blocked until the shim reads them: a cancel right after the launch is not lost.
    posix_spawnattr_setsigmask(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    if (input >= 0) {
      posix_spawn_file_actions_adddup2(&actions, input, 0);
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace berth::supervise
