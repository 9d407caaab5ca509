// SPDX-License-Identifier: Apache-2.0
#include "core/step.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/phrase.h"
#include "base/shortage.h"
#include "core/admit.h"
#include "core/explain.h"
#include "core/failure.h"
#include "core/history.h"
#include "core/hold.h"
#include "core/invariants.h"
#include "core/occupancy.h"
#include "core/place.h"
#include "core/pools.h"
#include "core/users.h"
#include "core/waiting.h"
#include "core/words.h"
#include "model/task_words.h"

namespace berth::core {

namespace {

using model::TaskState;
using Outputs = std::vector<Output>;

Refused refuse(const TaskId& task, base::ErrorCode code, std::string message) {
  return Refused{task, {code, std::move(message), {}}};
}

void set_limits(State& state) {
  for (auto& [id, device] : state.devices) {
    const auto changed = state.limit_changes.find(id);
    device.limits = changed != state.limit_changes.end() ? changed->second
                                                         : default_limits(state.config, device);
  }
}

// Whether the queue's keys and groups come out the same under both.
bool same_queue(const Config& a, const Config& b) {
  return a.aging == b.aging && a.pools == b.pools && a.user_running == b.user_running &&
         a.fair_share.on == b.fair_share.on;
}

// ---- one handler per input ----

void apply(State& state, const Configure& input, Outputs&) {
  const auto old = state.config;
  state.config = input.config;
  state.paused = false;
  if (input.start) state.gpus_seen = false;
  if (!same_queue(old, state.config)) {
    state.queue = Queue{};
    for (const auto& [id, task] : state.tasks) {
      if (task.state == TaskState::kQueued && !task.parked())
        state.queue.push(state.config, task, queue_key(state.config, task));
    }
  }
  arm_failures(state);
  pools::assign(state);
  set_limits(state);
}

// What came before the devices were known is looked at as if it came now.
void admit_unchecked(State& state, Outputs& outputs) {
  std::vector<TaskId> unchecked;
  for (const auto& [id, task] : state.tasks) {
    if (task.unchecked && task.state == TaskState::kQueued) unchecked.push_back(id);
  }
  for (const auto& id : unchecked) {
    const auto task = state.tasks.find(id);
    if (task == state.tasks.end()) continue;  // ended with one that it was to follow
    task->second.unchecked = false;
    const auto admitted = admit_devices(state, task->second.request);
    if (admitted) continue;
    dequeue(state, task->second);
    finish(state, id, TaskState::kFailed, model::Exit{{}, {}, "refused"},
           {words::kNeverFits, {admitted.error().message}}, outputs);
  }
}

void apply(State& state, const SetInventory& input, Outputs& outputs) {
  const bool first = !state.inventory_known && input.complete;
  state.inventory_known = input.complete;
  std::set<DeviceId> there;
  for (const auto& device : input.devices) {
    there.insert(device.id);
    DeviceEntry& entry = state.devices[device.id];
    entry.device = device;
    entry.present = true;
    state.gpus_seen = state.gpus_seen || !entry.is_cpu();
  }
  pools::assign(state);
  set_limits(state);
  if (first) admit_unchecked(state, outputs);
  if (!input.complete) return;  // what no driver has denied is still there
  std::vector<DeviceId> gone;
  for (const auto& [id, device] : state.devices) {
    if (!there.contains(id)) gone.push_back(id);
  }
  for (const auto& id : gone) {
    const auto device = state.devices.find(id);
    if (device == state.devices.end()) continue;  // gone with a lease on several
    // A device that is gone stays as long as tasks hold it, so that their release finds it.
    device->second.present = false;
    device->second.reading.reset();  // should it come back, then as an unknown quantity
    if (device->second.reservations.empty() && device->second.fenced.empty()) {
      state.devices.erase(device);
    } else {
      evict(state, device->second, outputs);
    }
  }
}

void apply(State& state, const SetReadings& input, Outputs& outputs) {
  for (const Reading& reading : input.readings) {
    const auto device = state.devices.find(reading.device);
    if (device == state.devices.end()) continue;
    device->second.reading = reading;
    std::erase_if(device->second.reading->used_by_task, [&](const auto& used) {
      return !device->second.reservations.contains(used.first);
    });
    follow_health(state, device->second, outputs);
  }
}

TaskEntry new_entry(State& state, const model::Request& request) {
  TaskEntry task;
  task.request = request;
  task.sequence = state.next_sequence++;
  task.submitted = state.latest;
  return task;
}

void apply(State& state, const Submit& input, Outputs& outputs) {
  const TaskId& id = input.request.id;
  if (state.tasks.contains(id)) {
    outputs.push_back(refuse(id, base::ErrorCode::kDuplicateTask,
                             base::fill(model::words::kIdIsTaken, {id.value})));
    return;
  }
  const auto resolved = admit(state, input.request);
  if (!resolved) {
    outputs.push_back(Refused{id, resolved.error()});
    return;
  }
  TaskEntry& task = state.tasks.emplace(id, new_entry(state, input.request)).first->second;
  task.held = input.request.hold;
  task.unchecked = !state.inventory_known && resolved->devices.empty();
  for (const auto& dependency : input.request.after) {
    // Of two conditions on the same task the stricter one counts.
    const auto [after, added] = task.after.emplace(dependency.task, dependency.any);
    if (!added) after->second = after->second && dependency.any;
    state.dependents[dependency.task].insert(id);
  }
  enqueue(state, task);
  outputs.push_back(Queued{id, resolved->fallback});
}

void apply(State& state, const Cancel& input, Outputs& outputs) {
  const auto task = state.tasks.find(input.task);
  if (task == state.tasks.end() || task->second.is_lease()) {
    outputs.push_back(refuse(input.task, base::ErrorCode::kNotFound,
                             base::fill(model::words::kNoLiveTask, {input.task.value})));
    return;
  }
  if (task->second.state == TaskState::kQueued) {
    dequeue(state, task->second);
    finish(state, input.task, TaskState::kCancelled, model::Exit{{}, {}, "cancelled"}, {}, outputs);
    return;
  }
  task->second.cancelling = true;
  outputs.push_back(Stop{input.task, task->second.attempt, false, "cancelled"});
}

// To a task that waits; `what` can be done to no other.
void change_if_waiting(State& state, const TaskId& id, std::string_view what, Outputs& outputs,
                       const std::function<void(TaskEntry&)>& change) {
  const auto task = state.tasks.find(id);
  if (task == state.tasks.end() || task->second.is_lease()) {
    outputs.push_back(
        refuse(id, base::ErrorCode::kNotFound, base::fill(model::words::kNoLiveTask, {id.value})));
    return;
  }
  if (task->second.state != TaskState::kQueued) {
    outputs.push_back(
        refuse(id, base::ErrorCode::kWrongState,
               base::fill(model::words::kOnlyWaiting, {id.value, std::string(what)})));
    return;
  }
  change_waiting(state, task->second, change);
}

void apply(State& state, const SetHold& input, Outputs& outputs) {
  change_if_waiting(state, input.task, model::words::kBeHeld, outputs,
                    [&](TaskEntry& waiting) { waiting.held = input.on; });
}

void apply(State& state, const SetPriority& input, Outputs& outputs) {
  if (auto error = check_priority(input.priority)) {
    outputs.push_back(refuse(input.task, error->code, std::move(error->message)));
    return;
  }
  change_if_waiting(state, input.task, model::words::kGetPriority, outputs,
                    [&](TaskEntry& waiting) { waiting.request.priority = input.priority; });
}

void apply(State& state, const Drain& input, Outputs& outputs) {
  for (const auto& id : input.devices) {
    const bool known = state.devices.contains(id) || (!input.on && state.drained.contains(id));
    if (known) continue;
    outputs.push_back(refuse({}, base::ErrorCode::kDeviceNotFound,
                             base::fill(model::words::kNoDevice, {id.value})));
    return;
  }
  if (input.devices.empty()) {
    state.draining = input.on ? std::optional(input.reason) : std::nullopt;
    if (!input.on) state.drained.clear();
  }
  for (const auto& id : input.devices) {
    if (input.on) {
      state.drained[id] = input.reason;
    } else {
      state.drained.erase(id);
    }
  }
}

void apply(State& state, const Lease& input, Outputs& outputs) {
  const TaskId& id = input.request.id;
  if (state.tasks.contains(id)) {
    outputs.push_back(refuse(id, base::ErrorCode::kDuplicateTask,
                             base::fill(model::words::kIdIsLeases, {id.value})));
    return;
  }
  auto admitted = admit(state, input.request, 0);
  if (!admitted) {
    outputs.push_back(Refused{id, admitted.error()});
    return;
  }
  TaskEntry lease = new_entry(state, input.request);
  const auto hold = hold_before(state, lease);
  auto found = state.paused || !users::may_start(state, input.request)
                   ? std::nullopt
                   : place(state, lease, hold ? &*hold : nullptr);
  if (!found) {
    base::Error error{base::ErrorCode::kNothingFree, std::string(model::words::kNotLeased), {}};
    auto shortage = state.paused ? base::Shortage{} : obstacles(state, lease);
    if (!shortage.devices.empty()) {
      shortage.what = model::words::kNotLeasedBecause;
      error.message = base::to_text(shortage);
      error.shortage = std::make_shared<const base::Shortage>(std::move(shortage));
    }
    outputs.push_back(Refused{id, std::move(error)});
    return;
  }
  lease.lease_time = input.time;
  lease.lease_until = state.latest + input.time;
  TaskEntry& entry = state.tasks.emplace(id, std::move(lease)).first->second;
  reserve(state, entry, std::move(*found));
  state.wakeups.insert({*entry.lease_until, Wakeup::What::kLease, id.value});
  outputs.push_back(Leased{id, *entry.placement, *entry.lease_until});
}

TaskEntry* find_lease(State& state, const TaskId& id, Outputs& outputs) {
  const auto lease = state.tasks.find(id);
  if (lease != state.tasks.end() && lease->second.is_lease()) return &lease->second;
  outputs.push_back(
      refuse(id, base::ErrorCode::kNotFound, base::fill(model::words::kNoLease, {id.value})));
  return nullptr;
}

void apply(State& state, const RenewLease& input, Outputs& outputs) {
  TaskEntry* lease = find_lease(state, input.lease, outputs);
  if (lease == nullptr) return;
  lease->holder = input.holder;
  lease->lease_time = input.time;
  lease->lease_until = state.latest + input.time;
  state.wakeups.insert({*lease->lease_until, Wakeup::What::kLease, input.lease.value});
  outputs.push_back(Leased{input.lease, *lease->placement, *lease->lease_until});
}

void apply(State& state, const EndLease& input, Outputs& outputs) {
  if (find_lease(state, input.lease, outputs) != nullptr)
    end_lease(state, input.lease, "returned", outputs);
}

void apply(State& state, const SetLimits& input, Outputs& outputs) {
  for (const LimitChange& change : input.changes) {
    const bool negative = change.training.value_or(0) < 0 || change.inference.value_or(0) < 0;
    if (!state.devices.contains(change.device) || negative) {
      outputs.push_back(refuse({}, base::ErrorCode::kBadRequest,
                               base::fill(model::words::kLimitsBad, {change.device.value})));
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

// The running attempt that the news is about, if it is.
TaskEntry* running(State& state, const TaskId& id, int attempt) {
  const auto task = state.tasks.find(id);
  if (task == state.tasks.end() || task->second.state != TaskState::kRunning ||
      task->second.attempt != attempt || task->second.is_lease()) {
    return nullptr;
  }
  return &task->second;
}

void apply(State& state, const LaunchFailed& input, Outputs& outputs) {
  TaskEntry* task = running(state, input.task, input.attempt);
  if (task == nullptr) return;
  release(state, *task);
  if (input.again && !task->cancelling) {
    enqueue(state, *task);
    return;
  }
  model::Exit exit{{}, {}, "launch_failed"};
  if (may_retry(*task, model::FailureKind::kLaunch)) {
    retry(state, *task, model::FailureKind::kLaunch, exit, {}, false, outputs);
    return;
  }
  if (task->cancelling && input.again) exit.cause = "cancelled";
  finish(state, input.task, task->cancelling ? TaskState::kCancelled : TaskState::kFailed,
         std::move(exit), {}, outputs);
}

void apply(State& state, const Exited& input, Outputs& outputs) {
  TaskEntry* task = running(state, input.task, input.attempt);
  if (task == nullptr) {
    lift_fence(state, {input.task, input.attempt});
    return;
  }
  const auto failure = failure_of(*task, input);
  history::remember(state, *task, input.peak_memory, !failure && !task->cancelling);
  model::Exit exit = input.exit;
  if (failure == model::FailureKind::kDeviceLost) exit.cause = "device_lost";
  release(state, *task);
  if (failure && may_retry(*task, *failure)) {
    retry(state, *task, *failure, exit, input.peak_memory, false, outputs);
    return;
  }
  const TaskState end = task->cancelling ? TaskState::kCancelled
                        : failure        ? TaskState::kFailed
                                         : TaskState::kCompleted;
  finish(state, input.task, end, std::move(exit), {}, outputs);
}

void apply(State& state, const Pause& input, Outputs&) { state.paused = input.on; }

void apply(State&, const Tick&, Outputs&) {}  // step() has done what was due

// ---- placement ----

// Always the first waiting task of all groups that are not stuck. When it fits nowhere its whole
// group is stuck until something is released, so a pass is over groups, not over tasks.
void schedule(State& state, std::map<QueueKey, std::string> heads, Outputs& outputs) {
  if (state.paused) return;
  std::optional<Hold> hold;
  while (!heads.empty()) {
    const auto shape = std::move(heads.extract(heads.begin()).mapped());
    TaskEntry& task = state.tasks.at(state.queue.groups().at(shape).begin()->second);
    if (!users::may_start(state, task.request)) continue;
    auto found = place(state, task, hold ? &*hold : nullptr);
    if (!found) {
      if (!hold && may_hold(state, task)) hold = make_hold(state, task);
      continue;
    }
    const Fallback fallback = found->fallback;
    dequeue(state, task);
    reserve(state, task, std::move(*found));
    outputs.push_back(Launch{task.request.id, task.attempt, *task.placement, fallback});
    const auto group = state.queue.groups().find(shape);
    if (group != state.queue.groups().end()) {
      const TaskEntry& next = state.tasks.at(group->second.begin()->second);
      heads.emplace(users::rank(state, next), shape);
    }
  }
}

void schedule_all(State& state, Outputs& outputs) {
  std::map<QueueKey, std::string> heads;
  for (const auto& [shape, group] : state.queue.groups())
    heads.emplace(users::rank(state, state.tasks.at(group.begin()->second)), shape);
  schedule(state, std::move(heads), outputs);
}

// Every step leaves only tasks in the queue that fit nowhere. A new one changes nothing for the
// others, so after its submission it alone is looked at, with those that may hold devices.
void schedule_after(const Submit& input, State& state, Outputs& outputs) {
  const auto task = state.tasks.find(input.request.id);
  if (task == state.tasks.end() || task->second.state != TaskState::kQueued ||
      task->second.parked()) {
    return;
  }
  std::map<QueueKey, std::string> heads;
  for (const auto& [shape, group] : state.queue.groups()) {
    const TaskEntry& head = state.tasks.at(group.begin()->second);
    if (head.request.id == task->first || may_hold(state, head))
      heads.emplace(users::rank(state, head), shape);
  }
  schedule(state, std::move(heads), outputs);
}

// A lease takes, so it makes room for nobody.
void schedule_after(const Lease&, State&, Outputs&) {}
void schedule_after(const RenewLease&, State&, Outputs&) {}

template <class Any>
void schedule_after(const Any&, State& state, Outputs& outputs) {
  schedule_all(state, outputs);
}

}  // namespace

std::vector<Output> step(State& state, const Input& input, Time now) {
  Outputs outputs;
  state.latest = std::max(state.latest, now);
  const bool woke = wake(state, outputs);
  std::visit(
      [&](const auto& value) {
        apply(state, value, outputs);
        if (woke) {
          schedule_all(state, outputs);
        } else {
          schedule_after(value, state, outputs);
        }
      },
      input);
  ASSUME(invariants::check(state).empty());
  return outputs;
}

}  // namespace berth::core
