// SPDX-License-Identifier: Apache-2.0
// berth-shim --launcher: starts shims for a daemon without it waiting for any, and without an
// execve(2) for each: a shim is a fork of this small process. Requests and replies are messages of
// a SOCK_SEQPACKET socket, which is standard input; when the daemon closes its end this ends, and
// the shims go on.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace berth::shim {

/// Then `arguments` and `environment` strings, each with its NUL byte. `arguments` are those of
/// berth-shim, its own name among them.
struct LaunchRequest {
  std::uint32_t number = 0;
  std::uint32_t arguments = 0;
  std::uint32_t environment = 0;
};

/// The first one, with the number 0, says that the launcher is there. With a pidfd (SCM_RIGHTS)
/// unless `error` (an errno) says why there is no shim.
struct LaunchReply {
  std::uint32_t number = 0;
  std::int32_t pid = 0;
  std::int32_t error = 0;
};

inline constexpr char kLauncherOption[] = "--launcher";

/// Of the launcher that this process is a fork of; else of its parent.
pid_t launcher_pid();
/// A fork of the launcher is in its session, which has no terminal.
bool is_fork_of_launcher();
inline constexpr std::size_t kMostLaunchBytes = 128U << 10;  // of a request; above: by execve(2)

/// Serves until the socket is closed; what the process exits with. `run` is what a shim does.
int run_launcher(int argc, char** argv, int (*run)(int argc, char** argv));

}  // namespace berth::shim
