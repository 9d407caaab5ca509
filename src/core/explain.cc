// SPDX-License-Identifier: Apache-2.0
#include "core/explain.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/hold.h"

namespace berth::core {

namespace {

// What would have to change so that `refusal` falls away; empty when nothing can.
std::string remedy(const model::Request& request, const model::Refusal& refusal) {
  using base::RefusalCode;
  switch (refusal.code) {
    case RefusalCode::kMemory:
      return refusal.needed + " were free on " + refusal.name + " (now " + refusal.available + ")";
    case RefusalCode::kLimitZero:
      return "the limit for " + std::string(model::to_text(request.kind)) + " on " + refusal.name +
             " were above 0";
    case RefusalCode::kKindLimit:
      return "a task of the kind " + std::string(model::to_text(request.kind)) + " on " +
             refusal.name + " ended, or its limit were raised";
    case RefusalCode::kExclusive:
    case RefusalCode::kHeld:
      return refusal.name + " were free again (" + refusal.available + ")";
    case RefusalCode::kBusy:
      return "the tasks on " + refusal.name +
             " ended, or this one asked for less than the whole device";
    case RefusalCode::kCores:
      return "a command on " + refusal.name + " ended";
    case RefusalCode::kUnhealthy:
      return refusal.name + " were healthy again";
    default:
      return {};
  }
}

model::Refusal kept(const DeviceEntry& device, const Hold& hold) {
  return {device.device.id,
          device.device.name,
          base::RefusalCode::kHeld,
          "a device that is not kept for another",
          "task " + hold.task.value + " waits for it",
          false};
}

}  // namespace

Explanation explain(const State& state, const TaskEntry& task) {
  Explanation result;
  const auto resolved = resolve(state, task.request);
  const Resolved candidates = resolved ? *resolved : Resolved{};
  result.fallback = candidates.fallback;

  const auto hold =
      task.state == model::TaskState::kQueued ? hold_before(state, task) : std::nullopt;
  std::vector<const DeviceEntry*> order;
  for (const auto& [id, device] : state.devices) order.push_back(&device);
  std::sort(order.begin(), order.end(), [](const DeviceEntry* a, const DeviceEntry* b) {
    return std::tie(a->device.vendor, a->device.index) <
           std::tie(b->device.vendor, b->device.index);
  });
  std::set<std::string> remedies;
  for (const DeviceEntry* device : order) {
    auto verdict = filter(state, task.request, candidates, *device);
    if (const auto* fits = std::get_if<Fit>(&verdict);
        fits != nullptr && hold && delays(state, *hold, task.request.kind, *fits, *device)) {
      verdict = kept(*device, *hold);
    }
    if (const auto* refusal = std::get_if<model::Refusal>(&verdict)) {
      ++result.counts[std::string(base::row(refusal->code).name)];
      const std::string text = remedy(task.request, *refusal);
      if (!text.empty() && remedies.insert(text).second) result.would_fit_if.push_back(text);
    } else {
      ++result.counts["fits"];
    }
    result.devices.push_back(DeviceVerdict{device->device.id, device->device.name, verdict});
  }
  if (task.state == model::TaskState::kQueued) {
    const auto group = state.queue.groups().find(Queue::shape(task.request));
    if (group != state.queue.groups().end()) {
      result.ahead =
          std::distance(group->second.begin(), group->second.find(queue_key(state.config, task)));
    }
  }
  return result;
}

}  // namespace berth::core
