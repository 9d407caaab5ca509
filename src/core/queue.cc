// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "base/text.h"
#include "core/state.h"

namespace berth::core {

std::string Queue::shape(const TaskEntry& task) {
  const model::Request& request = task.request;
  std::string text(model::to_text(request.kind));
  text += '|';
  text += base::lower(request.selector.text);
  text += '|' + std::to_string(request.gpus) + '|';
  if (request.memory) text += std::to_string(request.memory->value);
  text += '|' + base::lower(request.gpu_type) + '|';
  text += request.exclusive ? 'x' : '-';
  text += request.builtin ? 'b' : '-';
  text += request.group_by_kind ? 'g' : '-';
  text += task.cpu_due ? 'c' : '-';
  text += '|';
  text += model::to_text(request.policy);
  text += '|' + request.pool + '|' + request.user;
  if (!request.memory) text += '|' + request.signature;  // with a figure history plays no part
  return text;
}

void Queue::push(const TaskEntry& task, QueueKey key) {
  const bool added = groups_[shape(task)].emplace(key, task.request.id).second;
  CHECK(added);
  ++size_;
}

void Queue::erase(const TaskEntry& task, QueueKey key) {
  const auto group = groups_.find(shape(task));
  CHECK(group != groups_.end());
  CHECK(group->second.erase(key) == 1);
  if (group->second.empty()) groups_.erase(group);
  --size_;
}

}  // namespace berth::core
