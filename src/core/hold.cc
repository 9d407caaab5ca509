// SPDX-License-Identifier: Apache-2.0
#include "core/hold.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "core/device_index.h"
#include "core/resolve.h"
#include "core/users.h"

namespace berth::core {

namespace {

// A device that would take the task if it were idle.
struct Able {
  bool blocked;
  std::size_t tasks;
  const DeviceEntry* device;
};

// What the first task of `kind` to end here gives back at the least.
Bytes smallest_reservation(const State& state, Kind kind, const DeviceEntry& device) {
  std::optional<Bytes> smallest;
  for (const auto& [id, reserved] : device.reservations) {
    if (state.tasks.at(id).request.kind != kind) continue;
    smallest = smallest ? std::min(*smallest, reserved) : reserved;
  }
  return smallest.value_or(Bytes{});
}

void sort(std::vector<Able>& able) {
  std::sort(able.begin(), able.end(), [](const Able& a, const Able& b) {
    return std::tie(a.blocked, a.tasks, a.device->device.id) <
           std::tie(b.blocked, b.tasks, b.device->device.id);
  });
}

std::vector<Able> able_among(const State& state, const model::Request& request,
                             const DeviceList& devices) {
  std::vector<Able> able;
  for (const DeviceEntry* device : devices) {
    if (!fits_idle(state, request, *device)) continue;
    able.push_back({!fit(state, request, *device), device->reservations.size(), device});
  }
  sort(able);
  return able;
}

// The first `wanted` of them, or all when there are fewer: those that fit, which only open devices
// do, then others by the number of their tasks.
std::vector<Able> able_soonest(const State& state, const model::Request& request, Vendors vendors,
                               std::size_t wanted) {
  const DeviceIndex& index = state.devices.index();
  const Screen screen(request);
  std::vector<Able> able;
  for (const auto* rows : {&index.idle(), &index.shared()}) {
    for (const std::uint32_t row : *rows) {
      const Glance& glance = index.rows()[row];
      if ((vendors & bit(glance.vendor)) == 0 || !screen.lets_through(glance)) continue;
      if (fit(state, request, *glance.device) && fits_idle(state, request, *glance.device))
        able.push_back({false, glance.tasks, glance.device});
    }
  }
  sort(able);
  for (const auto& [tasks, row] : index.by_tasks()) {
    if (able.size() >= wanted) break;
    const Glance& glance = index.rows()[row];
    if ((vendors & bit(glance.vendor)) == 0) continue;
    if (fits_idle(state, request, *glance.device) && !fit(state, request, *glance.device))
      able.push_back({true, tasks, glance.device});
  }
  return able;
}

}  // namespace

bool may_hold(const State& state, const TaskEntry& task) {
  return task.request.gpus > 1 || task.request.selector.named.size() > 1 ||
         state.latest - task.submitted > state.config.aging;
}

std::optional<Hold> make_hold(const State& state, const TaskEntry& task) {
  const auto resolved = resolve(state, task.request);
  if (!resolved) return std::nullopt;
  const std::size_t wanted = resolved->wanted(task.request);
  if (wanted == 0) return std::nullopt;
  const auto able = resolved->vendors == 0
                        ? able_among(state, task.request, resolved->devices)
                        : able_soonest(state, task.request, resolved->vendors, wanted);
  if (able.size() < wanted) return std::nullopt;
  Hold hold{task.request.id, task.request.kind, users::rank(state, task), {}};
  for (std::size_t i = 0; i < wanted; ++i) {
    const DeviceEntry& device = *able[i].device;
    hold.devices.emplace(device.device.id, *need(state, task.request, device));
  }
  return hold;
}

std::optional<Hold> hold_before(const State& state, const TaskEntry& task) {
  std::map<QueueKey, const TaskEntry*> before;
  for (const auto& [shape, group] : state.queue.groups()) {
    const auto& [key, id] = *group.begin();
    const TaskEntry& head = state.tasks.at(id);
    const QueueKey place = users::rank(state, head);
    if (place < users::rank(state, task) && may_hold(state, head) &&
        users::may_start(state, head.request)) {
      before.emplace(place, &head);
    }
  }
  for (const auto& [key, head] : before) {
    if (auto hold = make_hold(state, *head)) return hold;
  }
  return std::nullopt;
}

bool delays(const State& state, const Hold& hold, Kind kind, const Fit& fit,
            const DeviceEntry& device) {
  const auto held = hold.devices.find(device.device.id);
  if (held == hold.devices.end()) return false;
  const Need& wanted = held->second;
  if (wanted.whole || fit.whole) return true;
  const int slots = device.limits.of(hold.kind) - device.running_of(hold.kind);
  if (kind == hold.kind && slots < 2) return true;
  if (wanted.bytes.value == 0 || fit.reserve.value == 0) return false;
  const auto free = effective_free(device);
  if (!free) return true;
  const Bytes room = slots > 0 ? *free : *free + smallest_reservation(state, hold.kind, device);
  return wanted.bytes + fit.reserve > room;
}

}  // namespace berth::core
