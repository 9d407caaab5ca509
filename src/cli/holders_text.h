// SPDX-License-Identifier: Apache-2.0
// Who holds memory of a device: processes, and leases. Pure: from JSON to text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "cli/screen.h"

namespace berth::cli {

/// Of each device, unless all are asked for.
inline constexpr std::size_t kProcessesShown = 4;

struct Process {
  std::int64_t pid = 0;
  std::optional<double> memory;  // GiB
  std::string user, command, task;
  std::string state;    // "alive", "orphan", ...
  std::string left_by;  // the task that has ended without it
  std::string container;
  std::optional<double> load;  // percent
};

/// Of a device of GET /api/v2/resources/gpu; those that hold most first.
std::vector<Process> processes_of(const base::json::object& device);

/// Why a process keeps memory though nobody waits for it; empty for one that is alive.
std::string state_label(const std::string& state);

/// "1.50 GB", "n/a".
std::string memory_words(const std::optional<double>& gib);

/// A line for each lease that has a share of the device, and for the processes that hold most;
/// `leases` is the list of GET /api/v2/leases, or null.
std::string holder_lines(const base::json::object& device, const base::json::array* leases,
                         base::Time now, int indent, const Screen& screen,
                         std::size_t most = kProcessesShown);

}  // namespace berth::cli
