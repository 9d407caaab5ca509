// SPDX-License-Identifier: Apache-2.0
#include "core/snapshot.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/json_parts.h"
#include "core/config_codec.h"
#include "core/failure.h"
#include "core/invariants.h"
#include "core/pools.h"

namespace berth::core {

namespace {

using base::list;
using base::maybe_time;
using base::part;
using base::json::array;
using base::json::object;
using base::json::value;

object to_json(const TaskEntry& task) {
  object result{{"request", model::to_json(task.request)},
                {"state", model::to_text(task.state)},
                {"sequence", task.sequence},
                {"submitted", base::to_ms(task.submitted)},
                {"attempt", task.attempt},
                {"cancelling", task.cancelling}};
  if (task.placement) result["placement"] = model::to_json(*task.placement);
  // The rest is left out where it says nothing: there may be 100,000 tasks.
  const auto add_flag = [&](std::string_view key, bool on) {
    if (on) result[key] = true;
  };
  const auto add_time = [&](std::string_view key, const std::optional<Time>& time) {
    if (time) result[key] = base::to_ms(*time);
  };
  add_flag("held", task.held);
  add_flag("unchecked", task.unchecked);
  add_flag("cpu_due", task.cpu_due);
  add_time("not_before", task.not_before);
  add_time("ready", task.ready);
  add_time("evicted", task.evicted);
  add_time("started", task.started);
  add_time("lease_until", task.lease_until);
  if (task.is_lease()) result["lease_ms"] = task.lease_time.count();
  if (!task.holder.empty()) result["holder"] = task.holder;
  if (task.retries > 0) result["retries"] = task.retries;
  if (!task.after.empty()) {
    object after;
    for (const auto& [id, any] : task.after) after[id.value] = any;
    result["after"] = std::move(after);
  }
  return result;
}

base::Result<TaskEntry> task_from_json(const object& from) {
  TaskEntry task;
  auto request = model::request_from_json(part(from, "request"));
  if (!request) return base::fail(request.error());
  task.request = std::move(*request);
  task.state = model::task_state_from_text(base::string_or(from, "state"))
                   .value_or(model::TaskState::kQueued);
  task.sequence = static_cast<std::uint64_t>(base::int_or(from, "sequence"));
  task.submitted = base::from_ms(base::int_or(from, "submitted"));
  task.attempt = static_cast<int>(base::int_or(from, "attempt"));
  task.cancelling = base::bool_or(from, "cancelling");
  if (from.contains("placement")) {
    auto placement = model::placement_from_json(part(from, "placement"));
    if (!placement) return base::fail(placement.error());
    task.placement = std::move(*placement);
  }
  task.held = base::bool_or(from, "held");
  task.unchecked = base::bool_or(from, "unchecked");
  task.cpu_due = base::bool_or(from, "cpu_due");
  task.not_before = maybe_time(from, "not_before");
  task.ready = maybe_time(from, "ready");
  task.evicted = maybe_time(from, "evicted");
  task.started = maybe_time(from, "started");
  task.lease_until = maybe_time(from, "lease_until");
  task.lease_time = base::Duration{base::int_or(from, "lease_ms")};
  task.holder = base::string_or(from, "holder");
  task.retries = static_cast<int>(base::int_or(from, "retries"));
  for (const auto& entry : part(from, "after")) {
    task.after.emplace(TaskId(std::string(entry.key())),
                       entry.value().is_bool() && entry.value().as_bool());
  }
  return task;
}

object to_json(const DeviceEntry& device) {
  object result{{"device", model::to_json(device.device)},
                {"present", device.present},
                {"limits", to_json(device.limits)},
                {"exclusive", device.exclusive ? value(device.exclusive->value) : value(nullptr)}};
  if (device.reading) result["reading"] = core::to_json(*device.reading);
  if (device.hung_since) result["hung_since"] = base::to_ms(*device.hung_since);
  if (!device.fenced.empty()) {
    array fenced;
    for (const auto& attempt : device.fenced)
      fenced.push_back(object{{"task", attempt.task.value}, {"attempt", attempt.number}});
    result["fenced"] = std::move(fenced);
  }
  return result;
}

base::Result<DeviceEntry> device_entry_from_json(const object& from) {
  auto device = model::device_from_json(part(from, "device"));
  if (!device) return base::fail(device.error());
  DeviceEntry entry;
  entry.device = std::move(*device);
  entry.present = base::bool_or(from, "present", true);
  entry.limits = limits_from_json(part(from, "limits"), KindLimits{});
  if (const auto id = base::maybe_string(from, "exclusive")) entry.exclusive = TaskId(*id);
  if (from.contains("reading")) entry.reading = reading_from_json(part(from, "reading"));
  entry.hung_since = maybe_time(from, "hung_since");
  for (const value& item : list(from, "fenced")) {
    if (!item.is_object()) continue;
    entry.fenced.insert({TaskId(base::string_or(item.as_object(), "task")),
                         static_cast<int>(base::int_or(item.as_object(), "attempt"))});
  }
  return entry;
}

base::Result<State> broken(const std::string& what) {
  return base::fail(base::ErrorCode::kStoreError, "the stored state is broken: " + what);
}

void restore_running(State& state, const TaskEntry& task) {
  const TaskId& id = task.request.id;
  UserEntry& user = state.users[task.request.user];
  ++user.running;
  for (const auto& share : task.placement->shares) {
    DeviceEntry& device = state.devices[share.device];
    if (device.device.id.empty()) {
      device.device.id = share.device;
      device.device.name = share.name;
      device.present = false;
    }
    device.reservations.emplace(id, share.reserved);
    ++device.running.at(static_cast<std::size_t>(task.request.kind));
    ++user.devices;
  }
  if (task.request.array) ++state.array_running[task.request.array->array];
  if (task.lease_until)
    state.wakeups.insert({*task.lease_until, Wakeup::What::kLease, task.request.id.value});
}

void restore_waiting(State& state, const TaskEntry& task) {
  const std::string& id = task.request.id.value;
  ++state.users[task.request.user].waiting;
  for (const auto& [other, any] : task.after) state.dependents[other].insert(task.request.id);
  if (task.not_before) state.wakeups.insert({*task.not_before, Wakeup::What::kBackoff, id});
  if (task.parked()) {
    state.parked.insert(task.request.id);
    return;
  }
  if (task.request.cpu_after && !task.cpu_due && task.ready) {
    state.wakeups.insert({*task.ready + *task.request.cpu_after, Wakeup::What::kProcessor, id});
  }
  state.queue.push(state.config, task, queue_key(state.config, task));
}

// What can be told from the tasks is derived from them, so that it cannot disagree. What is broken,
// or nothing.
std::optional<std::string> restore_derived(State& state) {
  std::set<std::uint64_t> sequences;
  for (const auto& [id, task] : state.tasks) {
    if (!sequences.insert(task.sequence).second)
      return "task " + id.value + " has the place of another one";
    state.latest = std::max(state.latest, task.submitted);
    if (task.state == model::TaskState::kQueued) {
      restore_waiting(state, task);
    } else if (task.placement) {
      restore_running(state, task);
    }
  }
  arm_failures(state);
  pools::assign(state);
  return std::nullopt;
}

object users_to_json(const State& state) {
  object users;
  for (const auto& [name, user] : state.users) {
    if (user.device_ms == 0 && user.devices == 0) continue;
    users[name] = object{{"device_ms", user.device_ms}, {"counted", base::to_ms(user.counted)}};
  }
  return users;
}

}  // namespace

object to_json(const Reading& reading) {
  object used;
  for (const auto& [task, bytes] : reading.used_by_task) used[task.value] = bytes.value;
  return object{{"device", reading.device.value},
                {"health", static_cast<int>(reading.health)},
                {"health_reason", reading.health_reason},
                {"total", base::or_null(reading.total)},
                {"free", base::or_null(reading.free)},
                {"reserved", base::or_null(reading.reserved)},
                {"utilization_percent", base::or_null(reading.utilization_percent)},
                {"throttled", reading.throttled},
                {"used_by_task", std::move(used)}};
}

Reading reading_from_json(const object& from) {
  Reading reading;
  reading.device = DeviceId(base::string_or(from, "device"));
  const auto health = base::int_or(from, "health");
  reading.health =
      health >= 0 && health <= 3 ? static_cast<model::Health>(health) : model::Health::kFailed;
  reading.health_reason = base::string_or(from, "health_reason");
  reading.total = base::maybe_bytes(from, "total");
  reading.free = base::maybe_bytes(from, "free");
  reading.reserved = base::maybe_bytes(from, "reserved");
  if (const auto used = base::maybe_int(from, "utilization_percent")) {
    reading.utilization_percent = static_cast<int>(*used);
  }
  reading.throttled = base::bool_or(from, "throttled");
  for (const auto& entry : part(from, "used_by_task")) {
    if (entry.value().is_int64()) {
      reading.used_by_task.emplace(TaskId(std::string(entry.key())),
                                   Bytes{entry.value().as_int64()});
    }
  }
  return reading;
}

object to_json(const State& state) {
  array devices;
  for (const auto& [id, device] : state.devices) devices.push_back(to_json(device));
  array tasks;
  for (const auto& [id, task] : state.tasks) tasks.push_back(to_json(task));
  object changes;
  for (const auto& [id, limits] : state.limit_changes) changes[id.value] = to_json(limits);
  object history;
  for (const auto& [signature, known] : state.history) {
    history[signature] = array{known.peak.value, known.duration.count(), base::to_ms(known.last)};
  }
  object drained;
  for (const auto& [id, reason] : state.drained) drained[id.value] = reason;
  return object{{"config", to_json(state.config)},
                {"inventory_known", state.inventory_known},
                {"devices", std::move(devices)},
                {"tasks", std::move(tasks)},
                {"next_sequence", state.next_sequence},
                {"latest", base::to_ms(state.latest)},
                {"limit_changes", std::move(changes)},
                {"history", std::move(history)},
                {"paused", state.paused},
                {"gpus_seen", state.gpus_seen},
                {"draining", state.draining ? value(*state.draining) : value(nullptr)},
                {"drained", std::move(drained)},
                {"users", users_to_json(state)}};
}

base::Result<State> with_tasks(State state, std::map<TaskId, TaskEntry> tasks) {
  // Leases are in no record: they stay as they are.
  for (const auto& [id, task] : state.tasks) {
    if (task.is_lease()) tasks.emplace(id, task);
  }
  state.queue = Queue{};
  state.parked.clear();
  state.dependents.clear();
  state.array_running.clear();
  state.wakeups.clear();
  for (auto& [name, user] : state.users) user.running = user.waiting = user.devices = 0;
  for (auto& [id, device] : state.devices) {
    device.reservations.clear();
    device.running = {};
    device.exclusive.reset();
  }
  state.tasks = std::move(tasks);
  for (const auto& [id, task] : state.tasks)
    state.next_sequence = std::max(state.next_sequence, task.sequence + 1);
  if (const auto damage = restore_derived(state)) return broken(*damage);
  for (const auto& [id, task] : state.tasks) {
    if (!task.placement) continue;
    const auto rule = task.placement->rule;
    const bool whole = task.request.exclusive || rule == model::ReservationRule::kNominal ||
                       rule == model::ReservationRule::kWholeDevice;
    for (const auto& share : task.placement->shares) {
      DeviceEntry& device = state.devices.at(share.device);
      if (whole && device.reservations.size() == 1) device.exclusive = id;
    }
  }
  const auto damage = invariants::check(state);
  if (!damage.empty())
    return base::fail(base::ErrorCode::kStoreError,
                      "the stored tasks do not fit: " + damage.front());
  return state;
}

base::Result<State> state_from_json(const object& from) {
  State state;
  state.config = config_from_json(part(from, "config"));
  state.inventory_known = base::bool_or(from, "inventory_known");
  state.paused = base::bool_or(from, "paused");
  state.next_sequence = static_cast<std::uint64_t>(base::int_or(from, "next_sequence", 1));
  state.latest = base::from_ms(base::int_or(from, "latest"));
  state.gpus_seen = base::bool_or(from, "gpus_seen");
  state.draining = base::maybe_string(from, "draining");
  for (const auto& entry : part(from, "drained")) {
    if (entry.value().is_string())
      state.drained.emplace(DeviceId(std::string(entry.key())),
                            std::string(entry.value().as_string()));
  }
  for (const auto& entry : part(from, "users")) {
    if (!entry.value().is_object()) continue;
    UserEntry& user = state.users[entry.key()];
    user.device_ms = base::int_or(entry.value().as_object(), "device_ms");
    user.counted = base::from_ms(base::int_or(entry.value().as_object(), "counted"));
  }
  for (const auto& entry : part(from, "limit_changes")) {
    if (!entry.value().is_object()) continue;
    state.limit_changes.emplace(DeviceId(std::string(entry.key())),
                                limits_from_json(entry.value().as_object(), KindLimits{}));
  }
  for (const auto& entry : part(from, "history")) {
    if (!entry.value().is_array() || entry.value().as_array().size() != 3) continue;
    const auto number = [&](std::size_t i) {
      const value& item = entry.value().as_array()[i];
      return item.is_int64() ? item.as_int64() : 0;
    };
    state.history.emplace(entry.key(), History{Bytes{number(0)}, base::Duration{number(1)},
                                               base::from_ms(number(2))});
  }
  for (const value& item : list(from, "devices")) {
    if (!item.is_object()) return broken("a device that is no object");
    auto device = device_entry_from_json(item.as_object());
    if (!device) return base::fail(device.error());
    const DeviceId id = device->device.id;
    state.devices.emplace(id, std::move(*device));
  }
  for (const value& item : list(from, "tasks")) {
    if (!item.is_object()) return broken("a task that is no object");
    auto task = task_from_json(item.as_object());
    if (!task) return base::fail(task.error());
    const TaskId id = task->request.id;
    if (!state.tasks.emplace(id, std::move(*task)).second) return broken("two tasks " + id.value);
  }
  if (const auto trouble = restore_derived(state)) return broken(*trouble);
  const auto damage = invariants::check(state);
  if (!damage.empty()) return broken(damage.front());
  return state;
}

}  // namespace berth::core
