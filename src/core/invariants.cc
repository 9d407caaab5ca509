// SPDX-License-Identifier: Apache-2.0
#include "core/invariants.h"

#include "core/device_index.h"

namespace berth::core::invariants {

namespace {

using model::TaskState;

void check_tasks(const State& state, std::vector<std::string>& broken) {
  std::size_t queued = 0;
  for (const auto& [id, task] : state.tasks) {
    if (task.request.id != id)
      broken.push_back("task " + id.value + " has another id in its request");
    if (task.sequence >= state.next_sequence)
      broken.push_back("task " + id.value + " comes from the future");
    if (task.state == TaskState::kQueued) {
      ++queued;
      if (task.placement) broken.push_back("queued task " + id.value + " has a placement");
      const auto group = state.queue.groups().find(Queue::shape(task.request));
      const bool there = group != state.queue.groups().end() &&
                         group->second.contains(queue_key(state.config, task)) &&
                         group->second.at(queue_key(state.config, task)) == id;
      if (!there) broken.push_back("queued task " + id.value + " is not in the queue");
      if (task.cancelling) broken.push_back("queued task " + id.value + " is being cancelled");
    } else if (task.state == TaskState::kRunning) {
      if (!task.placement || task.placement->shares.empty()) {
        broken.push_back("running task " + id.value + " has no placement");
      }
      if (task.attempt < 1) broken.push_back("running task " + id.value + " was never launched");
    } else {
      broken.push_back("task " + id.value + " is neither queued nor running");
    }
  }
  if (queued != state.queue.size())
    broken.emplace_back("the queue holds other tasks than those queued");
  for (const auto& [shape, group] : state.queue.groups()) {
    if (group.empty()) broken.push_back("empty queue group " + shape);
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
