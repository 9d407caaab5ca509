// SPDX-License-Identifier: Apache-2.0
// The command line of berth-shim:
//   berth-shim --dir ATTEMPT_DIR [--cwd DIR] [--grace-ms N] [--timeout-ms N] [--max-output-bytes N]
//              [--cgroup PATH] [--limits-program PATH] [--limit GPU=MIB]... [--user
//              UID:GID[:GROUP,GROUP...]] [--rlimit RESOURCE:SOFT:HARD]... [--nice N]
//              [--keep-cgroup 0|1] -- ARGV...
// The task's environment is the shim's own.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "shim/layout.h"
#include "shim/limits.h"

namespace berth::shim {

inline constexpr int kMaxGroups = 1024;
inline constexpr int kMaxResourceLimits = 16;

/// setrlimit(2).
struct ResourceLimit {
  int resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

inline constexpr int kSameNice = 100;

/// What is reset between the attempts of one shim.
struct OptionValues {
  const char* dir = nullptr;
  const char* cwd = nullptr;     // null: the attempt's directory
  const char* cgroup = nullptr;  // null: none
  std::int64_t grace_ms = kDefaultGraceMs;
  std::int64_t timeout_ms = -1;  // below 0: none
  std::int64_t max_output_bytes = kDefaultMaxOutputBytes;
  bool keep_cgroup = false;  // it goes with the shim, not with the attempt
  int nice = kSameNice;      // of the task; kSameNice: as the shim's own
  const char* limits_program = nullptr;
  int limit_count = 0;
  bool has_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
  int group_count = 0;
  int resource_limit_count = 0;
  char** argv = nullptr;  // of the task, null-terminated
};

struct Options : OptionValues {
  GpuLimit limits[kMaxLimits];
  gid_t groups[kMaxGroups] = {};
  ResourceLimit resource_limits[kMaxResourceLimits];
};

/// Over what is there. False after saying on standard error what is wrong.
bool parse_options(int argc, char** argv, Options* options);

}  // namespace berth::shim
