// SPDX-License-Identifier: Apache-2.0
// The claim, the "shim" file and the exit record of an attempt (layout.h).
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace berth::shim {

struct Claim {
  int lock = -1;         // kept open for life: holds the flock
  int exit_record = -1;  // allocated
};

/// Makes the attempt ours. 0, or what the shim exits with; then nothing of ours is left behind.
int take_claim(int dir, Claim* claim);
/// Undoes take_claim, for a failure before anything was started.
void give_up_claim(int dir);

/// Makes the "shim" file; `file` is it, for add_child. False when the disk refuses.
bool write_identity(int dir, std::int64_t started_ms, const char* cgroup, int* file);
/// Adds the line about the main process, once there is one, and closes the file.
void add_child(int file, pid_t child);

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
bool write_exit_record(int fd, const ExitRecord& record, bool durable);

std::int64_t wall_ms();

}  // namespace berth::shim
