// SPDX-License-Identifier: Apache-2.0
#include "core/occupancy.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "core/users.h"

namespace berth::core {

namespace {

void forget_if_gone(State& state, const DeviceId& id) {
  const DeviceEntry& device = state.devices.at(id);
  if (!device.present && device.reservations.empty() && device.fenced.empty())
    state.devices.erase(id);
}

// Takes the task's share out of the device.
void give_back(DeviceEntry& device, const TaskEntry& task) {
  CHECK(device.reservations.erase(task.request.id) == 1);
  --device.running.at(static_cast<std::size_t>(task.request.kind));
  if (device.exclusive == task.request.id) device.exclusive.reset();
  // What it used stays in the reading until the next one: the free memory there is of the same
  // moment, and who waits for the whole device counts the two together (idle_free). But no longer
  // as its own: placed here again before that, it has taken nothing yet.
  if (device.reading) {
    auto used = device.reading->used_by_task.extract(task.request.id);
    if (!used.empty()) device.reading->used_by_task[TaskId{}] += used.mapped();
  }
  if (device.reservations.empty()) device.hung_since.reset();
}

}  // namespace

bool is_healthy(const DeviceEntry& device) {
  return device.present && device.fenced.empty() &&
         (!device.reading || device.reading->health == model::Health::kHealthy);
}

void reserve(State& state, TaskEntry& task, Decision decision) {
  for (const auto& share : decision.placement.shares) {
    DeviceEntry& device = state.devices.at(share.device);
    CHECK(device.reservations.emplace(task.request.id, share.reserved).second);
    ++device.running.at(static_cast<std::size_t>(task.request.kind));
    if (decision.whole.contains(share.device)) device.exclusive = task.request.id;
  }
  task.placement = std::move(decision.placement);
  task.state = model::TaskState::kRunning;
  task.started = state.latest;
  ++task.attempt;
  users::starts(state, task);
}

void release(State& state, TaskEntry& task) {
  users::stops(state, task);
  for (const auto& share : task.placement->shares) {
    give_back(state.devices.at(share.device), task);
    forget_if_gone(state, share.device);
  }
  task.placement.reset();
  task.started.reset();
  task.evicted.reset();
}

void fence(State& state, TaskEntry& task) {
  const auto shares = task.placement->shares;
  for (const auto& share : shares) {
    DeviceEntry& device = state.devices.at(share.device);
    if (!is_healthy(device)) device.fenced.insert({task.request.id, task.attempt});
  }
  release(state, task);
}

bool is_fenced(const State& state, const TaskId& task) {
  return std::any_of(state.devices.begin(), state.devices.end(), [&](const auto& device) {
    const auto first = device.second.fenced.lower_bound({task, 0});
    return first != device.second.fenced.end() && first->task == task;
  });
}

bool lift_fence(State& state, const Attempt& attempt) {
  std::vector<DeviceId> lifted;
  for (auto& [id, device] : state.devices) {
    if (device.fenced.erase(attempt) > 0) lifted.push_back(id);
  }
  for (const auto& id : lifted) forget_if_gone(state, id);
  return !lifted.empty();
}

}  // namespace berth::core
