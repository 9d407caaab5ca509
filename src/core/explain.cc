// SPDX-License-Identifier: Apache-2.0
#include "core/explain.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "core/hold.h"
#include "core/words.h"

namespace berth::core {

namespace {

using base::Phrase;

// What would have to change so that `refusal` falls away; nothing when nothing can.
std::optional<Phrase> remedy(const model::Request& request, const model::Refusal& refusal) {
  using base::RefusalCode;
  const std::string& name = refusal.name;
  const std::string kind(model::to_text(request.kind));
  switch (refusal.code) {
    case RefusalCode::kMemory:
      return Phrase{words::kIfFree,
                    {base::to_text(refusal.needed), name, base::to_text(refusal.available)}};
    case RefusalCode::kLimitZero:
      return Phrase{words::kIfLimit, {kind, name}};
    case RefusalCode::kKindLimit:
      return Phrase{words::kIfSlot, {kind, name}};
    case RefusalCode::kExclusive:
    case RefusalCode::kHeld:
      return Phrase{words::kIfFreeAgain, {name}};
    case RefusalCode::kBusy:
      return Phrase{words::kIfAlone, {name}};
    case RefusalCode::kCores:
      return Phrase{words::kIfCore, {name}};
    case RefusalCode::kPaused:
      return Phrase(words::kIfRoom);
    case RefusalCode::kUnhealthy:
      return Phrase{words::kIfHealthy, {name}};
    default:
      return std::nullopt;
  }
}

model::Refusal kept(const DeviceEntry& device, const Hold& hold) {
  return {device.device.id,
          device.device.name,
          base::RefusalCode::kHeld,
          Phrase(words::kNotKept),
          {words::kKeptFor, {hold.task.value}},
          false};
}

model::Refusal paused(const DeviceEntry& device) {
  return {device.device.id,           device.device.name,
          base::RefusalCode::kPaused, Phrase(words::kRoomToRecord),
          Phrase(words::kStateFull),  false};
}

}  // namespace

Explanation explain(const State& state, const TaskEntry& task) {
  Explanation result;
  const auto resolved = resolve(state, task.request);
  const Resolved candidates = resolved ? *resolved : Resolved{};
  result.fallback = candidates.fallback;
  result.wanted = std::max<std::size_t>(1, candidates.wanted(task.request));

  const auto hold =
      task.state == model::TaskState::kQueued ? hold_before(state, task) : std::nullopt;
  std::vector<const DeviceEntry*> order;
  for (const auto& [id, device] : state.devices) order.push_back(&device);
  std::sort(order.begin(), order.end(), [](const DeviceEntry* a, const DeviceEntry* b) {
    return std::tie(a->device.vendor, a->device.index) <
           std::tie(b->device.vendor, b->device.index);
  });
  for (const DeviceEntry* device : order) {
    auto verdict = filter(state, task.request, candidates, *device);
    if (const auto* fits = std::get_if<Fit>(&verdict);
        fits != nullptr && hold && delays(state, *hold, task.request.kind, *fits, *device)) {
      verdict = kept(*device, *hold);
    }
    if (state.paused && task.state == model::TaskState::kQueued &&
        std::holds_alternative<Fit>(verdict)) {
      verdict = paused(*device);
    }
    if (const auto* refusal = std::get_if<model::Refusal>(&verdict)) {
      ++result.counts[std::string(base::row(refusal->code).name)];
      const auto change = remedy(task.request, *refusal);
      auto& known = result.would_fit_if;
      if (change && std::find(known.begin(), known.end(), *change) == known.end())
        known.push_back(*change);
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
