// SPDX-License-Identifier: Apache-2.0
// The records of all tasks, in memory, and which of them the store does not have yet.
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "model/record.h"
#include "store/store.h"

namespace berth::daemon {

class TaskTable {
 public:
  using Records = std::map<std::uint64_t, std::shared_ptr<model::TaskRecord>>;

  /// From the store. A record that cannot be read is an error: nothing is dropped silently.
  base::Status load(const std::vector<store::StoredTask>& tasks);

  [[nodiscard]] const Records& all() const { return records_; }
  [[nodiscard]] std::shared_ptr<model::TaskRecord> find(const model::TaskId& id) const;
  /// Gives it its sequence number.
  std::shared_ptr<model::TaskRecord> add(model::TaskRecord record);
  void erase(const model::TaskId& id);

  /// The record changed: it goes into the next batch.
  void touch(const model::TaskId& id);
  [[nodiscard]] bool dirty() const { return !dirty_.empty(); }
  void write_changes(store::Batch& batch);

 private:
  Records records_;
  std::unordered_map<model::TaskId, std::uint64_t> sequence_;
  std::set<std::uint64_t> dirty_;
  std::uint64_t next_ = 1;
};

}  // namespace berth::daemon
