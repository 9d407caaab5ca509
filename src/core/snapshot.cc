// SPDX-License-Identifier: Apache-2.0
#include "core/snapshot.h"

#include <algorithm>
#include <optional>
#include <set>

#include "core/invariants.h"

namespace berth::core {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object to_json(const KindLimits& limits) {
  return object{{"training", limits.training}, {"inference", limits.inference}};
}

KindLimits limits_from_json(const object& from, KindLimits otherwise) {
  return KindLimits{static_cast<int>(base::int_or(from, "training", otherwise.training)),
                    static_cast<int>(base::int_or(from, "inference", otherwise.inference))};
}

const object& part(const object& from, std::string_view key) {
  static const object kEmpty;
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_object() ? found->as_object() : kEmpty;
}

const array& list(const object& from, std::string_view key) {
  static const array kEmpty;
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_array() ? found->as_array() : kEmpty;
}

object to_json(const TaskEntry& task) {
  object result{{"request", model::to_json(task.request)},
                {"state", model::to_text(task.state)},
                {"sequence", task.sequence},
                {"submitted", base::to_ms(task.submitted)},
                {"attempt", task.attempt},
                {"cancelling", task.cancelling}};
  if (task.placement) result["placement"] = model::to_json(*task.placement);
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
  return task;
}

object to_json(const DeviceEntry& device) {
  object result{{"device", model::to_json(device.device)},
                {"present", device.present},
                {"limits", to_json(device.limits)},
                {"exclusive", device.exclusive ? value(device.exclusive->value) : value(nullptr)}};
  if (device.reading) result["reading"] = core::to_json(*device.reading);
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
  return entry;
}

base::Result<State> broken(const std::string& what) {
  return base::fail(base::ErrorCode::kStoreError, "the stored state is broken: " + what);
}

// Reservations and counts are derived from the placements, so that they cannot disagree. What is
// broken, or nothing.
std::optional<std::string> restore_occupancy(State& state) {
  std::set<std::uint64_t> sequences;
  for (const auto& [id, task] : state.tasks) {
    if (!sequences.insert(task.sequence).second)
      return "task " + id.value + " has the place of another one";
    state.latest = std::max(state.latest, task.submitted);
    if (task.state == model::TaskState::kQueued) {
      state.queue.push(id, task.request, queue_key(state.config, task));
      continue;
    }
    if (!task.placement) continue;
    for (const auto& share : task.placement->shares) {
      DeviceEntry& device = state.devices[share.device];
      if (device.device.id.empty()) {
        device.device.id = share.device;
        device.device.name = share.name;
        device.present = false;
      }
      device.reservations.emplace(id, share.reserved);
      ++device.running.at(static_cast<std::size_t>(task.request.kind));
    }
  }
  return std::nullopt;
}

}  // namespace

object to_json(const Config& config) {
  array vendors;
  for (const auto vendor : config.worker_vendors) vendors.push_back(static_cast<int>(vendor));
  return object{{"gpu_limits", to_json(config.gpu_limits)},
                {"cpu_limits", to_json(config.cpu_limits)},
                {"worker_vendors", std::move(vendors)},
                {"queue_size", config.queue_size},
                {"aging_ms", config.aging.count()}};
}

Config config_from_json(const object& from) {
  Config config;
  config.gpu_limits = limits_from_json(part(from, "gpu_limits"), config.gpu_limits);
  config.cpu_limits = limits_from_json(part(from, "cpu_limits"), config.cpu_limits);
  for (const value& vendor : list(from, "worker_vendors")) {
    if (vendor.is_int64() && vendor.as_int64() >= 0 && vendor.as_int64() <= 4) {
      config.worker_vendors.insert(static_cast<model::Vendor>(vendor.as_int64()));
    }
  }
  config.queue_size = base::int_or(from, "queue_size");
  config.aging = base::Duration{base::int_or(from, "aging_ms", config.aging.count())};
  return config;
}

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
  object peaks;
  for (const auto& [signature, bytes] : state.peaks) peaks[signature] = bytes.value;
  return object{{"config", to_json(state.config)},
                {"inventory_known", state.inventory_known},
                {"devices", std::move(devices)},
                {"tasks", std::move(tasks)},
                {"next_sequence", state.next_sequence},
                {"latest", base::to_ms(state.latest)},
                {"limit_changes", std::move(changes)},
                {"peaks", std::move(peaks)},
                {"paused", state.paused}};
}

base::Result<State> with_tasks(State state, std::map<TaskId, TaskEntry> tasks) {
  state.queue = Queue{};
  for (auto& [id, device] : state.devices) {
    device.reservations.clear();
    device.running = {};
    device.exclusive.reset();
  }
  state.tasks = std::move(tasks);
  for (const auto& [id, task] : state.tasks)
    state.next_sequence = std::max(state.next_sequence, task.sequence + 1);
  if (const auto damage = restore_occupancy(state)) return broken(*damage);
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
  for (const auto& entry : part(from, "limit_changes")) {
    if (!entry.value().is_object()) continue;
    state.limit_changes.emplace(DeviceId(std::string(entry.key())),
                                limits_from_json(entry.value().as_object(), KindLimits{}));
  }
  for (const auto& entry : part(from, "peaks")) {
    if (entry.value().is_int64()) state.peaks.emplace(entry.key(), Bytes{entry.value().as_int64()});
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
  if (const auto trouble = restore_occupancy(state)) return broken(*trouble);
  const auto damage = invariants::check(state);
  if (!damage.empty()) return broken(damage.front());
  return state;
}

}  // namespace berth::core
