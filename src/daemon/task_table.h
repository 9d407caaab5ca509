// SPDX-License-Identifier: Apache-2.0
// The records of all tasks, in memory, and which of them the store does not have yet. A new one is
// hidden from readers until it is published: what they have seen is not lost in a crash.
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/record.h"
#include "store/store.h"

namespace berth::daemon {

class TaskTable {
 public:
  using Records = std::map<std::uint64_t, std::shared_ptr<model::TaskRecord>>;

  /// From the store. A record that cannot be read is an error: nothing is dropped silently.
  base::Status load(const std::vector<store::StoredTask>& tasks);

  [[nodiscard]] const Records& published() const { return published_; }
  /// Also one that is hidden.
  [[nodiscard]] std::shared_ptr<model::TaskRecord> find(const model::TaskId& id) const;
  [[nodiscard]] std::shared_ptr<model::TaskRecord> find_published(const model::TaskId& id) const;
  /// Published tasks of an array, in order of creation.
  [[nodiscard]] std::vector<std::shared_ptr<const model::TaskRecord>> array(
      const std::string& id) const;
  [[nodiscard]] bool has_array(const std::string& id) const { return arrays_.contains(id); }
  /// Gives it its sequence number; hidden.
  std::shared_ptr<model::TaskRecord> add(model::TaskRecord record);
  void publish(const model::TaskId& id);
  /// The sequence number that it had; std::nullopt when there is no such task.
  std::optional<std::uint64_t> erase(const model::TaskId& id);

  /// The record changed: it goes into the next batch.
  void touch(const model::TaskId& id);
  [[nodiscard]] bool dirty() const { return !dirty_.empty(); }
  void write_changes(store::Batch& batch);

 private:
  [[nodiscard]] std::shared_ptr<model::TaskRecord> at(std::uint64_t sequence) const;

  Records published_;
  Records hidden_;
  std::unordered_map<model::TaskId, std::uint64_t> sequence_;
  std::unordered_map<std::string, std::set<std::uint64_t>> arrays_;
  std::set<std::uint64_t> dirty_;
  std::uint64_t next_ = 1;
};

}  // namespace berth::daemon
