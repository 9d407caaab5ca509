// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "core/state.h"

namespace berth::core {

namespace {

// Whether it matters whose task it is.
bool users_count(const Config& config) {
  return config.user_running > 0 || config.fair_share.on ||
         std::any_of(config.pools.begin(), config.pools.end(),
                     [](const auto& pool) { return !pool.second.users.empty(); });
}

}  // namespace

std::string Queue::shape(const Config& config, const TaskEntry& task) {
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
  text += '|' + request.pool + '|';
  if (users_count(config)) text += request.user;
  text += '|';
  if (request.array && request.array->at_once > 0) text += request.array->array;
  if (request.memory_percent != 0) text += '|' + std::to_string(request.memory_percent) + '%';
  if (request.memory_estimate) text += '|' + std::to_string(request.memory_estimate->value);
  if (!request.memory && request.memory_by_history)
    text += '|' + request.signature;  // with a figure history plays no part
  return text;
}

void Queue::push(const Config& config, const TaskEntry& task, QueueKey key) {
  const bool added = groups_[shape(config, task)].emplace(key, task.request.id).second;
  CHECK(added);
  ++size_;
}

void Queue::erase(const Config& config, const TaskEntry& task, QueueKey key) {
  const auto group = groups_.find(shape(config, task));
  CHECK(group != groups_.end());
  CHECK(group->second.erase(key) == 1);
  if (group->second.empty()) groups_.erase(group);
  --size_;
}

}  // namespace berth::core
