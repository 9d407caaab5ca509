// SPDX-License-Identifier: Apache-2.0
// Limits of device memory on the task's cgroup, set by the driver's own program before the task
// starts: `PROGRAM memory-limits --set -n CGROUP --soft-limit 0 --hard-limit MIB -i GPU`.
//
// No soft limit: it would be added up in the cgroups above and stay there after this one is gone.
#pragma once

#include <cstdint>

namespace berth::shim {

inline constexpr int kMaxLimits = 64;

struct GpuLimit {
  const char* gpu = nullptr;  // as the program takes it: a UUID
  std::int64_t mib = 0;
};

/// Runs the program for each limit, in an environment of its own, and writes the file "limits" of
/// the attempt (layout.h). Waits, at most some seconds for each: the task must not start without a
/// limit that it could have. It starts without one that it cannot have.
void set_limits(int dir, const char* program, const char* cgroup, const GpuLimit* limits,
                int count);

}  // namespace berth::shim
