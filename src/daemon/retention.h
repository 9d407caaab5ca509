// SPDX-License-Identifier: Apache-2.0
// Which tasks that have ended are to be forgotten, with their logs: by age, by number, by the room
// that they take.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "base/units.h"
#include "daemon/task_table.h"

namespace berth::daemon {

struct Retention {
  base::Duration age{30 * 86'400'000LL};  // since they ended; 0: any
  std::int64_t tasks = 10'000;            // that have ended; 0: any number
  base::Bytes size{10LL << 30};           // of their logs and output; 0: any
  bool operator==(const Retention&) const = default;
};

/// Of the tasks that have ended, the oldest ones beyond any of the limits; at most `most`. A task
/// whose log is not closed yet stays.
std::vector<model::TaskId> expired(const TaskTable::Records& records, const Retention& limits,
                                   base::Time now, std::size_t most);

/// What a task takes beside its log and output: directories and small files.
inline constexpr std::uint64_t kFixedBytes = 40U << 10;

}  // namespace berth::daemon
