// SPDX-License-Identifier: Apache-2.0
// The process tree below the shim and its cgroup.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace berth::shim {

/// Field 22 of /proc/PID/stat; 0 when there is no such process.
std::uint64_t start_time_of(pid_t pid);

/// Sends `signal` to every descendant of this process; how many there were. A process that is
/// replaced by another of the same number in between is not hit.
int signal_descendants(int signal);

/// Makes the cgroup. False when it cannot be had: the tree is then all there is.
bool make_cgroup(const char* path);
/// In the child: moves this process there.
bool enter_cgroup(const char* path);
/// fork(2) whose child is in the cgroup from the start: moving it there makes the kernel wait for
/// all of its processors. Below 0 where the kernel cannot (before Linux 5.7).
pid_t fork_into_cgroup(const char* path);
/// Sends `signal` to its members, those apart that the last signal_descendants() has reached;
/// SIGKILL to all, by cgroup.kill, which cannot be outrun.
void signal_cgroup(const char* path, int signal);
/// Nothing is in it, and a task that may write there has left it as it was. False also where that
/// cannot be told.
bool is_unused_cgroup(const char* path);
/// False when it is still there.
bool remove_cgroup(const char* path);

}  // namespace berth::shim
