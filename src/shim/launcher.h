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
///
/// A shim with a channel is held: it gets as far as it may without its attempt being claimed, then
/// waits on the channel for kWordGo. It says kWordEnded there when the attempt has ended, and takes
/// the next LaunchRequest. When the other end is closed it sees its attempt through, if it has one,
/// and ends.
struct LaunchRequest {
  std::uint32_t number = 0;
  std::uint32_t channel = 0;  // 1: the shim gets one
  std::uint32_t arguments = 0;
  std::uint32_t environment = 0;
};

/// The first one, with the number 0, says that the launcher is there. With a pidfd and, where one
/// was asked for, our end of the channel (SCM_RIGHTS), unless `error` (an errno) says why there is
/// no shim.
struct LaunchReply {
  std::uint32_t number = 0;
  std::int32_t pid = 0;
  std::int32_t error = 0;
};

inline constexpr char kLauncherOption[] = "--launcher";
inline constexpr char kWordGo = 'g';
inline constexpr char kWordEnded = 'e';

/// A fork of the launcher is in its session, which has no terminal.
bool is_fork_of_launcher();
// Of a request; above: by execve(2).
inline constexpr std::size_t kMostLaunchBytes = 128U << 10;
inline constexpr std::size_t kMostStrings = 16'384;

/// Serves until the socket is closed; what the process exits with. `run` is what a shim does;
/// `channel` below 0: none.
int run_launcher(int argc, char** argv, int (*run)(int argc, char** argv, int channel));
/// Of a shim with a channel: waits, as an idle one for `ps`, for the next request, which takes the
/// place of the one before. False: there is none.
bool next_request(int channel, int* argc, char*** argv);

}  // namespace berth::shim
