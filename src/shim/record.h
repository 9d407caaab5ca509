// SPDX-License-Identifier: Apache-2.0
// The claim of an attempt, with what it says of the shim and of the end (layout.h).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "shim/child.h"

namespace berth::shim {

/// Reads once what each claim says; a launcher does it for its shims.
void remember_boot_id();

struct Claim {
  int file = -1;  // open to the attempt's end: holds the flock
  std::size_t identity_size = 0;
  char name[40] = "";  // until it is taken
};

/// Writes the claim under a name of its own. `cgroup`: where the task will be, may be null. 0, or
/// what the shim exits with; then nothing of ours is left behind, as after take_claim.
int prepare_claim(int dir, std::int64_t started_ms, const char* cgroup, Claim* claim);
/// Instead of take_claim.
void drop_claim(int dir, const Claim& claim);
/// Makes the attempt ours. 0, or what the shim exits with.
int take_claim(int dir, const Claim& claim);
/// Undoes take_claim, for a failure before anything was started.
void give_up_claim(int dir);
/// Adds the line about the main process, once there is one.
void add_child(Claim* claim, pid_t child);
/// What the child says before it ends without having become the task, where the exit record will
/// be.
void write_failure(int claim_file, const ExecFailure& failure);
ExecFailure read_failure(const Claim& claim);

struct ExitRecord {
  int status = 0;  // of the main process, as waitpid gave it
  const char* cause = "exited";
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::int64_t user_us = 0;
  std::int64_t system_us = 0;
  std::int64_t max_rss_kb = 0;
  std::int64_t dropped = 0;
  const char* message = "";  // control characters are replaced
};

/// `durable`: it is on the disk when this returns. Without it a power cut may lose it, so that the
/// end is unknown, never wrong: enough while a daemon waits for it, who records it at once.
bool write_exit_record(const Claim& claim, const ExitRecord& record, bool durable);

std::int64_t wall_ms();

}  // namespace berth::shim
