// SPDX-License-Identifier: Apache-2.0
// What has become of an attempt, read from its directory: after the pidfd of its shim became
// readable, and after a restart of the daemon. Thread-safe, changes nothing.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "model/task.h"
#include "supervise/process.h"

namespace berth::supervise {

/// The exit record.
struct Ended {
  model::Exit
      exit;  // cause: exited, cancelled, timeout, memory_limit, launch_failed; lost for kVanished
  base::Time started{};
  base::Time ended{};
  base::Duration user{};  // processor time of all processes of the task
  base::Duration system{};
  base::Bytes max_rss;  // of its largest process
  std::int64_t dropped_output_bytes = 0;
  std::string message;  // why, for launch_failed and lost; else empty or a remark
};

struct Adoption {
  enum class Phase : std::uint8_t {
    kNeverStarted,  // no claim: nothing has run; launching (again) is safe
    kRevoked,       // revoke() was there first: nothing ran and nothing will
    kStarting,      // claimed a moment ago by a living shim: ask again shortly
    kRunning,       // shim, pidfd, child_pid
    kEnded,         // ended
    kVanished,      // claimed, shim gone, no exit record (killed, or the machine was restarted):
                    // ended has cause "lost" and what is known (not when it ended: 0); call
                    // kill_strays and remove_cgroup
  };
  Phase phase = Phase::kNeverStarted;
  ProcessIdentity shim;  // kRunning, and kVanished where known
  base::Fd pidfd;        // kRunning
  int child_pid = 0;     // kRunning; 0 when the shim has not forked yet
  std::string cgroup;    // where the shim was told to put the task; may be empty
  Ended ended;           // kEnded, kVanished
};

/// kIoError when the directory cannot be read; an absent directory is kNeverStarted.
base::Result<Adoption> adopt(const std::string& attempt_directory);

/// Before an attempt that kNeverStarted is given up for another one: a shim that an earlier run of
/// the daemon started may not have come to its claim yet, and would start the task beside the next
/// attempt. True: no shim can claim this attempt any more. False: one has, see adopt(). May be
/// repeated.
base::Result<bool> revoke(const std::string& attempt_directory);

}  // namespace berth::supervise
