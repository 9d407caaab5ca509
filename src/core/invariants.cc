// SPDX-License-Identifier: Apache-2.0
#include "core/invariants.h"

#include "core/device_index.h"

namespace berth::core::invariants {

namespace {

using model::TaskState;

void check_waiting(const State& state, const TaskEntry& task, std::vector<std::string>& broken) {
  const std::string& id = task.request.id.value;
  if (task.placement) broken.push_back("queued task " + id + " has a placement");
  if (task.cancelling) broken.push_back("queued task " + id + " is being cancelled");
  if (task.evicted) broken.push_back("queued task " + id + " is being evicted");
  if (task.is_lease()) broken.push_back("lease " + id + " waits");
  const auto group = state.queue.groups().find(Queue::shape(state.config, task));
  const QueueKey key = queue_key(state.config, task);
  const bool there = group != state.queue.groups().end() && group->second.contains(key) &&
                     group->second.at(key) == task.request.id;
  if (there == task.parked())
    broken.push_back("queued task " + id +
                     (there ? " is to be set aside" : " is not in the queue"));
  if (state.parked.contains(task.request.id) != task.parked())
    broken.push_back("queued task " + id + " is set aside wrongly");
  for (const auto& [other, any] : task.after) {
    const auto dependents = state.dependents.find(other);
    if (!state.tasks.contains(other) || dependents == state.dependents.end() ||
        !dependents->second.contains(task.request.id)) {
      broken.push_back("task " + id + " waits for " + other.value + ", which does not know");
    }
  }
}

void check_running(const TaskEntry& task, std::vector<std::string>& broken) {
  const std::string& id = task.request.id.value;
  if (!task.placement || task.placement->shares.empty())
    broken.push_back("running task " + id + " has no placement");
  if (task.attempt < 1) broken.push_back("running task " + id + " was never launched");
  if (task.parked()) broken.push_back("running task " + id + " is parked");
}

void check_tasks(const State& state, std::vector<std::string>& broken) {
  std::size_t queued = 0;
  std::map<std::string, UserEntry> users;
  for (const auto& [id, task] : state.tasks) {
    if (task.request.id != id)
      broken.push_back("task " + id.value + " has another id in its request");
    if (task.sequence >= state.next_sequence)
      broken.push_back("task " + id.value + " comes from the future");
    UserEntry& user = users[task.request.user];
    if (task.state == TaskState::kQueued) {
      ++queued;
      ++user.waiting;
      check_waiting(state, task, broken);
    } else if (task.state == TaskState::kRunning) {
      ++user.running;
      if (task.placement) user.devices += static_cast<int>(task.placement->shares.size());
      check_running(task, broken);
    } else {
      broken.push_back("task " + id.value + " is neither queued nor running");
    }
  }
  if (queued != state.queue.size() + state.parked.size())
    broken.emplace_back("the queue holds other tasks than those queued");
  for (const auto& [shape, group] : state.queue.groups()) {
    if (group.empty()) broken.push_back("empty queue group " + shape);
  }
  for (const auto& [name, user] : users) {
    const auto entry = state.users.find(name);
    if (entry == state.users.end() || entry->second.running != user.running ||
        entry->second.waiting != user.waiting || entry->second.devices != user.devices) {
      broken.push_back("the counts of the user \"" + name + "\" are wrong");
    }
  }
}

// Each tie has its other end.
void check_dependents(const State& state, std::vector<std::string>& broken) {
  for (const auto& [id, dependents] : state.dependents) {
    if (dependents.empty()) broken.push_back("nobody waits for " + id.value);
    for (const auto& dependent : dependents) {
      const auto task = state.tasks.find(dependent);
      if (task == state.tasks.end() || !task->second.after.contains(id))
        broken.push_back(dependent.value + " does not know that it waits for " + id.value);
    }
  }
}

void check_device(const State& state, const DeviceEntry& device, std::vector<std::string>& broken) {
  const std::string& name = device.device.name;
  std::array<int, 3> running{};
  Bytes reserved;
  for (const auto& [id, bytes] : device.reservations) {
    reserved += bytes;
    if (bytes < Bytes{}) broken.push_back(name + ": negative reservation of " + id.value);
    const auto task = state.tasks.find(id);
    bool holds = false;
    if (task != state.tasks.end() && task->second.placement) {
      for (const auto& share : task->second.placement->shares) {
        holds = holds || (share.device == device.device.id && share.reserved == bytes);
      }
    }
    if (!holds) {
      broken.push_back(name + ": reservation of " + id.value + ", which does not run there");
      continue;
    }
    ++running.at(static_cast<std::size_t>(task->second.request.kind));
  }
  if (running != device.running)
    broken.push_back(name + ": running counts do not match the reservations");
  if (device.exclusive &&
      (!device.reservations.contains(*device.exclusive) || device.reservations.size() != 1)) {
    broken.push_back(name + ": exclusive, but not to one task alone");
  }
  if (!device.is_cpu() && device.device.total_memory && device.reservations.size() > 1) {
    const Bytes total = device.reading ? device.reading->total.value_or(*device.device.total_memory)
                                       : *device.device.total_memory;
    if (reserved > total) broken.push_back(name + ": more is reserved than there is");
  }
}

}  // namespace

std::vector<std::string> check(const State& state) {
  std::vector<std::string> broken;
  check_tasks(state, broken);
  if (state.devices.index().is_wrong())
    broken.emplace_back("the index of the devices differs from the devices");
  check_dependents(state, broken);
  for (const auto& [id, device] : state.devices) {
    if (device.device.id != id) broken.push_back("device " + id.value + " has another id inside");
    check_device(state, device, broken);
  }
  for (const auto& [id, task] : state.tasks) {
    if (!task.placement) continue;
    for (const auto& share : task.placement->shares) {
      const auto device = state.devices.find(share.device);
      if (device == state.devices.end() || !device->second.reservations.contains(id)) {
        broken.push_back("task " + id.value + " runs on " + share.name +
                         ", which does not know it");
      }
    }
  }
  return broken;
}

}  // namespace berth::core::invariants
