// SPDX-License-Identifier: Apache-2.0
#include "daemon/task_table.h"

#include <algorithm>

namespace berth::daemon {

base::Status TaskTable::load(const std::vector<store::StoredTask>& tasks) {
  for (const auto& task : tasks) {
    auto parsed = base::parse_json(task.record);
    auto record = parsed && parsed->is_object()
                      ? model::record_from_json(parsed->as_object())
                      : base::Result<model::TaskRecord>(
                            base::fail(base::ErrorCode::kStoreError, "not a JSON object"));
    if (!record) {
      return base::fail(
          base::ErrorCode::kStoreError,
          "the record of task " + task.id + " cannot be read: " + record.error().message);
    }
    next_ = std::max(next_, record->sequence + 1);
    sequence_.emplace(record->id(), record->sequence);
    const auto sequence = record->sequence;
    if (record->request.array) arrays_[record->request.array->array].insert(sequence);
    published_.emplace(sequence, std::make_shared<model::TaskRecord>(std::move(*record)));
  }
  return {};
}

std::shared_ptr<model::TaskRecord> TaskTable::find(const model::TaskId& id) const {
  const auto found = sequence_.find(id);
  return found == sequence_.end() ? nullptr : at(found->second);
}

std::shared_ptr<model::TaskRecord> TaskTable::find_published(const model::TaskId& id) const {
  const auto found = sequence_.find(id);
  if (found == sequence_.end() || hidden_.contains(found->second)) return nullptr;
  return published_.at(found->second);
}

std::shared_ptr<model::TaskRecord> TaskTable::at(std::uint64_t sequence) const {
  const auto hidden = hidden_.find(sequence);
  return hidden != hidden_.end() ? hidden->second : published_.at(sequence);
}

std::vector<std::shared_ptr<const model::TaskRecord>> TaskTable::array(
    const std::string& id) const {
  std::vector<std::shared_ptr<const model::TaskRecord>> tasks;
  const auto found = arrays_.find(id);
  if (found == arrays_.end()) return tasks;
  for (const auto sequence : found->second) {
    const auto task = published_.find(sequence);
    if (task != published_.end()) tasks.push_back(task->second);
  }
  return tasks;
}

void TaskTable::publish(const model::TaskId& id) {
  const auto found = sequence_.find(id);
  if (found != sequence_.end()) published_.insert(hidden_.extract(found->second));
}

std::shared_ptr<model::TaskRecord> TaskTable::add(model::TaskRecord record) {
  record.sequence = next_++;
  auto shared = std::make_shared<model::TaskRecord>(std::move(record));
  sequence_.emplace(shared->id(), shared->sequence);
  hidden_.emplace(shared->sequence, shared);
  if (shared->request.array) arrays_[shared->request.array->array].insert(shared->sequence);
  dirty_.insert(shared->sequence);
  return shared;
}

std::optional<std::uint64_t> TaskTable::erase(const model::TaskId& id) {
  const auto found = sequence_.find(id);
  if (found == sequence_.end()) return std::nullopt;
  const std::uint64_t sequence = found->second;
  if (const auto& place = at(sequence)->request.array) {
    const auto array = arrays_.find(place->array);
    array->second.erase(sequence);
    if (array->second.empty()) arrays_.erase(array);
  }
  dirty_.erase(sequence);
  published_.erase(sequence);
  hidden_.erase(sequence);
  sequence_.erase(found);
  return sequence;
}

void TaskTable::touch(const model::TaskId& id) {
  const auto found = sequence_.find(id);
  if (found != sequence_.end()) dirty_.insert(found->second);
}

void TaskTable::write_changes(store::Batch& batch) {
  for (const auto sequence : dirty_) {
    const auto& record = *at(sequence);
    batch.tasks.push_back({record.id().value, static_cast<std::int64_t>(sequence),
                           base::to_text(model::to_json(record))});
  }
  dirty_.clear();
}

}  // namespace berth::daemon
