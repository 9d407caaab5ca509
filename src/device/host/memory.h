// SPDX-License-Identifier: Apache-2.0
// The machine's memory from <root>/proc/meminfo, and what this process's cgroup leaves of memory
// and processors (version 2, else version 1; containers show only their own part of the tree).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"

namespace berth::device::host {

struct Memory {
  base::Bytes total;
  base::Bytes available;  // MemAvailable: free plus what the kernel can give back
};

/// std::nullopt when <root>/proc/meminfo does not say.
std::optional<Memory> read_memory(const std::string& root);

struct CgroupLimits {
  std::optional<double> processors;  // quota / period, 1.5 = one and a half
  std::optional<Memory> memory;      // the tightest limit and what is left below it
};

enum class Limited : std::uint8_t { kMemory, kMemoryAndProcessors };
CgroupLimits read_cgroup_limits(const std::string& root,
                                Limited what = Limited::kMemoryAndProcessors);

}  // namespace berth::device::host
