// SPDX-License-Identifier: Apache-2.0
#include "core/explain.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/phrase.h"
#include "base/text.h"
#include "core/hold.h"
#include "core/users.h"
#include "core/words.h"

namespace berth::core {

namespace {

using base::Phrase;

// The leases that take up a device: who has one may end it.
std::vector<TaskId> leases_on(const State& state, const DeviceId& id) {
  std::vector<TaskId> leases;
  const auto device = state.devices.find(id);
  if (device == state.devices.end()) return leases;
  for (const auto& [holder, bytes] : device->second.reservations) {
    const auto task = state.tasks.find(holder);
    if (task != state.tasks.end() && task->second.is_lease()) leases.push_back(holder);
  }
  return leases;
}

// What would have to change so that `refusal` falls away; nothing when nothing can.
std::optional<Phrase> remedy(const State& state, const model::Request& request,
                             const model::Refusal& refusal) {
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
      if (!leases_on(state, refusal.device).empty()) return std::nullopt;
      return Phrase{words::kIfFreeAgain, {name}};
    case RefusalCode::kHeld:
      return Phrase{words::kIfStarted, {refusal.available.values.front(), name}};
    case RefusalCode::kBusy:
      if (leases_on(state, refusal.device).size() ==
          state.devices.at(refusal.device).reservations.size()) {
        return std::nullopt;
      }
      return Phrase{words::kIfAlone, {name}};
    case RefusalCode::kCores:
      return Phrase{words::kIfCore, {name}};
    case RefusalCode::kPaused:
      return Phrase(words::kIfRoom);
    case RefusalCode::kUnhealthy:
      return Phrase{words::kIfHealthy, {name}};
    case RefusalCode::kDraining:
      return Phrase{words::kIfOpen, {name}};
    case RefusalCode::kFenced:
      return Phrase{words::kIfKilled, {name}};
    case RefusalCode::kOnHold:
      return Phrase{words::kIfReleased, {request.id.value}};
    case RefusalCode::kBackoff:
      return Phrase(words::kIfTime);
    case RefusalCode::kArrayLimit:
      return Phrase(words::kIfArraySlot);
    case RefusalCode::kUserLimit:
      return Phrase{words::kIfUserSlot, {request.user.empty() ? "-" : request.user}};
    default:
      return std::nullopt;
  }
}

// The same, and the leases whose end would make room.
std::vector<Phrase> remedies(const State& state, const model::Request& request,
                             const model::Refusal& refusal) {
  using base::RefusalCode;
  std::vector<Phrase> result;
  if (auto change = remedy(state, request, refusal)) result.push_back(std::move(*change));
  if (refusal.code == RefusalCode::kExclusive || refusal.code == RefusalCode::kBusy ||
      refusal.code == RefusalCode::kMemory) {
    for (const auto& lease : leases_on(state, refusal.device))
      result.push_back({words::kIfLeaseEnded, {lease.value}});
  }
  return result;
}

model::Refusal kept(const DeviceEntry& device, const Hold& hold) {
  return {device.device.id,
          device.device.name,
          base::RefusalCode::kHeld,
          Phrase(words::kNotKept),
          {words::kKeptFor, {hold.task.value}},
          false};
}

// Why the task starts nowhere, whatever the devices say: code, needed, available.
struct Reason {
  base::RefusalCode code{};
  Phrase needed;
  Phrase available;
};

std::optional<Reason> reason_of_its_own(const State& state, const TaskEntry& task) {
  using base::RefusalCode;
  if (task.state != model::TaskState::kQueued) return std::nullopt;
  if (state.paused)
    return Reason{RefusalCode::kPaused, Phrase(words::kRoomToRecord), Phrase(words::kStateFull)};
  if (task.held)
    return Reason{RefusalCode::kOnHold, Phrase(words::kReleased), Phrase(words::kOnHold)};
  if (!task.after.empty()) {
    const auto& [first, any] = *task.after.begin();
    return Reason{RefusalCode::kDependency,
                  {any ? words::kEndOf : words::kGoodEndOf, {first.value}},
                  Phrase(words::kNotEnded)};
  }
  if (task.not_before) {
    return Reason{RefusalCode::kBackoff,
                  Phrase(words::kPauseOver),
                  {words::kTriedAgainAt, {base::iso8601(*task.not_before)}}};
  }
  if (users::array_full(state, task.request)) {
    return Reason{RefusalCode::kArrayLimit,
                  Phrase(words::kArraySlot),
                  {words::kInUse,
                   {std::to_string(state.array_running.at(task.request.array->array)),
                    std::to_string(task.request.array->at_once)}}};
  }
  if (users::user_full(state, task.request)) {
    return Reason{RefusalCode::kUserLimit,
                  {words::kUserSlot, {task.request.user.empty() ? "-" : task.request.user}},
                  {words::kInUse,
                   {std::to_string(state.users.at(task.request.user).running),
                    std::to_string(state.config.user_running)}}};
  }
  return std::nullopt;
}

// With these it is not even looked for a device: what one is busy with at the moment is no reason.
bool comes_first(base::RefusalCode code) {
  using base::RefusalCode;
  return code == RefusalCode::kOnHold || code == RefusalCode::kDependency ||
         code == RefusalCode::kBackoff;
}

// The verdict of one device: that it never can, what keeps the task from being looked at, its own,
// then what others have first claim to, then what the task itself waits for.
Verdict verdict_of(const State& state, const TaskEntry& task, const Resolved& candidates,
                   const std::optional<Hold>& hold, const std::optional<Reason>& reason,
                   const DeviceEntry& device) {
  auto verdict = filter(state, task.request, candidates, device);
  if (const auto* fits = std::get_if<Fit>(&verdict);
      fits != nullptr && hold && delays(state, *hold, task.request.kind, *fits, device)) {
    verdict = kept(device, *hold);
  }
  const auto* refusal = std::get_if<model::Refusal>(&verdict);
  if (reason && (refusal == nullptr || (comes_first(reason->code) && !refusal->never))) {
    verdict = model::Refusal{device.device.id, device.device.name, reason->code,
                             reason->needed,   reason->available,  false};
  }
  return verdict;
}

// In the order in which they are shown: GPUs by index, the processor last.
std::vector<const DeviceEntry*> in_order(const State& state) {
  std::vector<const DeviceEntry*> order;
  for (const auto& [id, device] : state.devices) order.push_back(&device);
  std::sort(order.begin(), order.end(), [](const DeviceEntry* a, const DeviceEntry* b) {
    return model::listed_before(a->device, b->device);
  });
  return order;
}

void collect(std::vector<Phrase> changes, std::vector<Phrase>& known) {
  for (auto& change : changes) {
    if (std::find(known.begin(), known.end(), change) == known.end())
      known.push_back(std::move(change));
  }
}

// Whether the task has been given the device.
bool has(const TaskEntry& task, const DeviceId& device) {
  if (!task.placement) return false;
  const auto& shares = task.placement->shares;
  return std::any_of(shares.begin(), shares.end(),
                     [&](const auto& share) { return share.device == device; });
}

}  // namespace

Explanation explain(const State& state, const TaskEntry& task) {
  Explanation result;
  const auto resolved = resolve(state, task.request);
  Resolved candidates = resolved ? *resolved : Resolved{};
  result.fallback = candidates.fallback;
  result.wanted = std::max<std::size_t>(1, candidates.wanted(task.request));

  if (task.cpu_due && candidates.fallback == Fallback::kNone) {
    const auto processors = on_processor(state, Fallback::kGpusBusy).devices;
    candidates.devices = candidates.devices.with(processors);
    candidates.vendors = 0;
  }
  const bool waits = task.state == model::TaskState::kQueued;
  const bool runs = task.state == model::TaskState::kRunning;
  const auto hold = waits ? hold_before(state, task) : std::nullopt;
  const auto reason = reason_of_its_own(state, task);
  if (reason) result.own_reason = reason->code;
  for (const auto& [id, any] : task.after)
    result.would_fit_if.push_back({words::kIfEnded, {id.value}});
  for (const DeviceEntry* device : in_order(state)) {
    auto verdict = verdict_of(state, task, candidates, hold, reason, *device);
    if (runs && has(task, device->device.id)) verdict = Fit{};
    if (const auto* refusal = std::get_if<model::Refusal>(&verdict)) {
      ++result.counts[std::string(base::row(refusal->code).name)];
      if (!runs) collect(remedies(state, task.request, *refusal), result.would_fit_if);
    } else {
      ++result.counts["fits"];
    }
    result.devices.push_back(DeviceVerdict{device->device.id, device->device.name, verdict});
  }
  if (waits && !task.parked()) {
    const auto group = state.queue.groups().find(Queue::shape(state.config, task));
    if (group != state.queue.groups().end()) {
      result.ahead =
          std::distance(group->second.begin(), group->second.find(queue_key(state.config, task)));
    }
  }
  return result;
}

std::optional<base::RefusalCode> main_reason(const State& state, const TaskEntry& task) {
  if (task.state != model::TaskState::kQueued) return std::nullopt;
  if (const auto reason = reason_of_its_own(state, task)) return reason->code;
  std::map<base::RefusalCode, int> codes;
  for (const auto& device : explain(state, task).devices) {
    const auto* refusal = std::get_if<model::Refusal>(&device.verdict);
    if (refusal == nullptr) return std::nullopt;
    if (!refusal->never) ++codes[refusal->code];
  }
  const auto most = std::max_element(
      codes.begin(), codes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == codes.end() ? std::nullopt : std::optional(most->first);
}

base::Shortage obstacles(const State& state, const TaskEntry& task) {
  constexpr std::size_t kMost = 8;
  base::Shortage shortage;
  for (const auto& device : explain(state, task).devices) {
    const auto* refusal = std::get_if<model::Refusal>(&device.verdict);
    if (refusal == nullptr || refusal->never) continue;
    if (shortage.devices.size() == kMost) {
      ++shortage.more;
    } else {
      const bool amount = refusal->code == base::RefusalCode::kMemory;
      shortage.devices.push_back({device.name, refusal->needed, refusal->available, amount});
    }
  }
  return shortage;
}

}  // namespace berth::core
