// SPDX-License-Identifier: Apache-2.0
#include "daemon/retention.h"

namespace berth::daemon {

namespace {

bool is_over(const model::TaskRecord& record) {
  return model::is_final(record.state) && record.log_closed && record.finished;
}

}  // namespace

std::vector<model::TaskId> expired(const TaskTable::Records& records, const Retention& limits,
                                   base::Time now, std::size_t most) {
  std::int64_t count = 0;
  std::uint64_t size = 0;
  for (const auto& [sequence, record] : records) {
    if (!is_over(*record)) continue;
    ++count;
    size += record->kept_bytes + kFixedBytes;
  }
  std::vector<model::TaskId> found;
  for (const auto& [sequence, record] : records) {
    if (found.size() == most) break;
    if (!is_over(*record)) continue;
    const bool old = limits.age.count() > 0 && *record->finished + limits.age < now;
    const bool many = limits.tasks > 0 && count > limits.tasks;
    const bool large =
        limits.size.value > 0 && size > static_cast<std::uint64_t>(limits.size.value);
    if (!old && !many && !large) continue;
    --count;
    size -= record->kept_bytes + kFixedBytes;
    found.push_back(record->id());
  }
  return found;
}

}  // namespace berth::daemon
