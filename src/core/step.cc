// SPDX-License-Identifier: Apache-2.0
#include "core/step.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "core/admit.h"
#include "core/hold.h"
#include "core/invariants.h"
#include "core/place.h"

namespace berth::core {

namespace {

using model::TaskState;
using Outputs = std::vector<Output>;

// ---- reserve and release: the only places that touch a device's occupancy ----

void reserve(State& state, TaskEntry& task, Decision decision) {
  for (const auto& share : decision.placement.shares) {
    DeviceEntry& device = state.devices.at(share.device);
    CHECK(device.reservations.emplace(task.request.id, share.reserved).second);
    ++device.running.at(static_cast<std::size_t>(task.request.kind));
    if (decision.whole.contains(share.device)) device.exclusive = task.request.id;
  }
  state.queue.erase(task.request, queue_key(state.config, task));
  task.placement = std::move(decision.placement);
  task.state = TaskState::kRunning;
  ++task.attempt;
}

void release(State& state, TaskEntry& task) {
  for (const auto& share : task.placement->shares) {
    DeviceEntry& device = state.devices.at(share.device);
    CHECK(device.reservations.erase(task.request.id) == 1);
    --device.running.at(static_cast<std::size_t>(task.request.kind));
    if (device.exclusive == task.request.id) device.exclusive.reset();
    if (device.reading) device.reading->used_by_task.erase(task.request.id);
    if (!device.present && device.reservations.empty()) state.devices.erase(share.device);
  }
  task.placement.reset();
}

void finish(State& state, std::map<TaskId, TaskEntry>::iterator task, TaskState end,
            model::Exit exit, Outputs& outputs) {
  outputs.push_back(Finished{task->first, end, task->second.attempt, std::move(exit)});
  state.tasks.erase(task);
}

// ---- one handler per input ----

void apply(State& state, const Configure& input, Outputs&) {
  const auto old = state.config;
  state.config = input.config;
  state.paused = false;
  if (old.aging != state.config.aging) {  // queue keys depend on it
    state.queue = Queue{};
    for (const auto& [id, task] : state.tasks) {
      if (task.state == TaskState::kQueued)
        state.queue.push(id, task.request, queue_key(state.config, task));
    }
  }
  for (auto& [id, device] : state.devices) {
    const auto changed = state.limit_changes.find(id);
    device.limits = changed != state.limit_changes.end()
                        ? changed->second
                        : default_limits(state.config, device.device.vendor);
  }
}

void apply(State& state, const SetInventory& input, Outputs&) {
  state.inventory_known = input.complete;
  std::set<DeviceId> there;
  for (const auto& device : input.devices) {
    there.insert(device.id);
    auto [entry, added] = state.devices.try_emplace(device.id);
    entry->second.device = device;
    entry->second.present = true;
    if (!added) continue;
    const auto changed = state.limit_changes.find(device.id);
    entry->second.limits = changed != state.limit_changes.end()
                               ? changed->second
                               : default_limits(state.config, device.vendor);
  }
  if (!input.complete) return;  // what no driver has denied is still there
  for (auto entry = state.devices.begin(); entry != state.devices.end();) {
    // A device that is gone stays as long as tasks hold it, so that their release finds it.
    if (there.contains(entry->first)) {
      ++entry;
    } else if (entry->second.reservations.empty()) {
      entry = state.devices.erase(entry);
    } else {
      entry->second.present = false;
      entry->second.reading.reset();  // should it come back, then as an unknown quantity
      ++entry;
    }
  }
}

void apply(State& state, const SetReadings& input, Outputs&) {
  for (const Reading& reading : input.readings) {
    const auto device = state.devices.find(reading.device);
    if (device == state.devices.end()) continue;
    device->second.reading = reading;
    std::erase_if(device->second.reading->used_by_task, [&](const auto& used) {
      return !device->second.reservations.contains(used.first);
    });
  }
}

void apply(State& state, const Submit& input, Outputs& outputs) {
  const TaskId& id = input.request.id;
  if (state.tasks.contains(id)) {
    outputs.push_back(Refused{
        id, {base::ErrorCode::kDuplicateTask, "A task with the id " + id.value + " exists", {}}});
    return;
  }
  const auto resolved = admit(state, input.request);
  if (!resolved) {
    outputs.push_back(Refused{id, resolved.error()});
    return;
  }
  TaskEntry task;
  task.request = input.request;
  task.sequence = state.next_sequence++;
  task.submitted = state.latest;
  state.queue.push(id, task.request, queue_key(state.config, task));
  state.tasks.emplace(id, std::move(task));
  outputs.push_back(Queued{id, resolved->fallback});
}

void apply(State& state, const Cancel& input, Outputs& outputs) {
  const auto task = state.tasks.find(input.task);
  if (task == state.tasks.end()) {
    outputs.push_back(
        Refused{input.task, {base::ErrorCode::kNotFound, "No live task " + input.task.value, {}}});
    return;
  }
  if (task->second.state == TaskState::kQueued) {
    state.queue.erase(task->second.request, queue_key(state.config, task->second));
    finish(state, task, TaskState::kCancelled, model::Exit{{}, {}, "cancelled"}, outputs);
    return;
  }
  task->second.cancelling = true;
  outputs.push_back(Stop{input.task, task->second.attempt});
}

void apply(State& state, const SetLimits& input, Outputs& outputs) {
  for (const LimitChange& change : input.changes) {
    const bool negative = change.training.value_or(0) < 0 || change.inference.value_or(0) < 0;
    if (!state.devices.contains(change.device) || negative) {
      outputs.push_back(Refused{{},
                                {base::ErrorCode::kBadRequest,
                                 "Limits of " + change.device.value +
                                     " cannot be set: unknown device or "
                                     "negative number",
                                 {}}});
      return;
    }
  }
  for (const LimitChange& change : input.changes) {
    KindLimits& limits = state.devices.at(change.device).limits;
    limits.training = change.training.value_or(limits.training);
    limits.inference = change.inference.value_or(limits.inference);
    state.limit_changes[change.device] = limits;
  }
}

void apply(State& state, const LaunchFailed& input, Outputs& outputs) {
  const auto task = state.tasks.find(input.task);
  if (task == state.tasks.end() || task->second.state != TaskState::kRunning ||
      task->second.attempt != input.attempt) {
    return;
  }
  release(state, task->second);
  if (input.again && !task->second.cancelling) {
    task->second.state = TaskState::kQueued;
    state.queue.push(task->first, task->second.request, queue_key(state.config, task->second));
    return;
  }
  const bool cancelled = task->second.cancelling;
  finish(state, task, cancelled ? TaskState::kCancelled : TaskState::kFailed,
         model::Exit{{}, {}, cancelled && input.again ? "cancelled" : "launch_failed"}, outputs);
}

void apply(State& state, const Exited& input, Outputs& outputs) {
  const auto task = state.tasks.find(input.task);
  if (task == state.tasks.end() || task->second.state != TaskState::kRunning ||
      task->second.attempt != input.attempt) {
    return;
  }
  const auto& signature = task->second.request.signature;
  if (input.peak_memory && input.peak_memory->value > 0 && !signature.empty()) {
    Bytes& peak = state.peaks[signature];
    peak = std::max(peak, *input.peak_memory);
  }
  release(state, task->second);
  const bool good = input.exit.exit_code == 0 && input.exit.cause == "exited";
  const TaskState end = task->second.cancelling ? TaskState::kCancelled
                        : good                  ? TaskState::kCompleted
                                                : TaskState::kFailed;
  finish(state, task, end, input.exit, outputs);
}

void apply(State& state, const Pause& input, Outputs&) { state.paused = input.on; }

// ---- placement ----

// Always the first waiting task of all groups that are not stuck. When it fits nowhere its whole
// group is stuck until something is released, so a pass is over groups, not over tasks.
void schedule(State& state, std::map<QueueKey, std::string> heads, Outputs& outputs) {
  if (state.paused) return;
  std::optional<Hold> hold;
  while (!heads.empty()) {
    const auto shape = std::move(heads.extract(heads.begin()).mapped());
    TaskEntry& task = state.tasks.at(state.queue.groups().at(shape).begin()->second);
    auto found = place(state, task.request, hold ? &*hold : nullptr);
    if (!found) {
      if (!hold && may_hold(state, task)) hold = make_hold(state, task);
      continue;
    }
    reserve(state, task, std::move(*found));
    outputs.push_back(Launch{task.request.id, task.attempt, *task.placement});
    const auto group = state.queue.groups().find(shape);
    if (group != state.queue.groups().end()) heads.emplace(group->second.begin()->first, shape);
  }
}

// Every step leaves only tasks in the queue that fit nowhere. A new one changes nothing for the
// others, so after its submission it alone is looked at, with those that may hold devices.
void schedule_after(const Submit& input, State& state, Outputs& outputs) {
  const auto task = state.tasks.find(input.request.id);
  if (task == state.tasks.end() || task->second.state != TaskState::kQueued) return;
  std::map<QueueKey, std::string> heads;
  for (const auto& [shape, group] : state.queue.groups()) {
    const auto& [key, id] = *group.begin();
    if (id == task->first || may_hold(state, state.tasks.at(id))) heads.emplace(key, shape);
  }
  schedule(state, std::move(heads), outputs);
}

template <class Any>
void schedule_after(const Any&, State& state, Outputs& outputs) {
  std::map<QueueKey, std::string> heads;
  for (const auto& [shape, group] : state.queue.groups())
    heads.emplace(group.begin()->first, shape);
  schedule(state, std::move(heads), outputs);
}

}  // namespace

std::vector<Output> step(State& state, const Input& input, Time now) {
  Outputs outputs;
  state.latest = std::max(state.latest, now);
  std::visit(
      [&](const auto& value) {
        apply(state, value, outputs);
        schedule_after(value, state, outputs);
      },
      input);
  ASSUME(invariants::check(state).empty());
  return outputs;
}

}  // namespace berth::core
