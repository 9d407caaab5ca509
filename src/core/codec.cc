// SPDX-License-Identifier: Apache-2.0
// The JSON forms of inputs and outputs in the journal: {"type": ..., fields}.
#include <map>

#include "core/config_codec.h"
#include "core/input.h"
#include "core/output.h"
#include "core/snapshot.h"

namespace berth::core {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object encode(const Configure& input) {
  return {{"type", "configure"}, {"config", to_json(input.config)}, {"start", input.start}};
}

object encode(const SetInventory& input) {
  array devices;
  for (const auto& device : input.devices) devices.push_back(model::to_json(device));
  return {{"type", "inventory"}, {"devices", std::move(devices)}, {"complete", input.complete}};
}

object encode(const SetReadings& input) {
  array readings;
  for (const auto& reading : input.readings) readings.push_back(to_json(reading));
  return {{"type", "readings"}, {"readings", std::move(readings)}};
}

object encode(const Submit& input) {
  return {{"type", "submit"}, {"request", model::to_json(input.request)}};
}
object encode(const Cancel& input) { return {{"type", "cancel"}, {"task", input.task.value}}; }

object encode(const SetLimits& input) {
  array changes;
  for (const auto& change : input.changes) {
    changes.push_back(object{{"device", change.device.value},
                             {"training", base::or_null(change.training)},
                             {"inference", base::or_null(change.inference)}});
  }
  return {{"type", "limits"}, {"changes", std::move(changes)}};
}

object encode(const LaunchFailed& input) {
  return {{"type", "launch_failed"},
          {"task", input.task.value},
          {"attempt", input.attempt},
          {"again", input.again}};
}

object encode(const Pause& input) { return {{"type", "pause"}, {"on", input.on}}; }

object encode(const SetHold& input) {
  return {{"type", "hold"}, {"task", input.task.value}, {"on", input.on}};
}

object encode(const SetPriority& input) {
  return {{"type", "priority"}, {"task", input.task.value}, {"priority", input.priority}};
}

object encode(const Drain& input) {
  array devices;
  for (const auto& id : input.devices) devices.emplace_back(id.value);
  return {{"type", "drain"},
          {"devices", std::move(devices)},
          {"on", input.on},
          {"reason", input.reason}};
}

object encode(const Lease& input) {
  return {{"type", "lease"},
          {"request", model::to_json(input.request)},
          {"time_ms", input.time.count()}};
}

object encode(const RenewLease& input) {
  return {{"type", "renew_lease"},
          {"task", input.lease.value},
          {"time_ms", input.time.count()},
          {"holder", input.holder}};
}

object encode(const EndLease& input) {
  return {{"type", "end_lease"}, {"task", input.lease.value}};
}

object encode(const Tick&) { return {{"type", "tick"}}; }

object encode(const Exited& input) {
  return {{"type", "exited"},
          {"task", input.task.value},
          {"attempt", input.attempt},
          {"exit", model::to_json(input.exit)},
          {"peak_memory", base::or_null(input.peak_memory)},
          {"out_of_memory", input.out_of_memory}};
}

object encode(const Queued& output) {
  return {{"type", "queued"},
          {"task", output.task.value},
          {"fallback", static_cast<int>(output.fallback)}};
}
object encode(const Refused& output) {
  return {{"type", "refused"},
          {"task", output.task.value},
          {"code", base::row(output.error.code).name}};
}
object encode(const Launch& output) {
  return {{"type", "launch"},
          {"task", output.task.value},
          {"attempt", output.attempt},
          {"placement", model::to_json(output.placement)},
          {"fallback", static_cast<int>(output.fallback)}};
}
object encode(const Stop& output) {
  return {{"type", "stop"},
          {"task", output.task.value},
          {"attempt", output.attempt},
          {"now", output.now},
          {"cause", output.cause}};
}
object encode(const Requeued& output) {
  return {{"type", "requeued"},
          {"task", output.task.value},
          {"attempt", output.attempt},
          {"kind", model::to_text(output.kind)},
          {"exit", model::to_json(output.exit)},
          {"retries", output.retries},
          {"not_before", output.not_before ? value(base::to_ms(*output.not_before)) : value()},
          {"memory", base::or_null(output.memory)},
          {"fenced", output.fenced}};
}
object encode(const Leased& output) {
  return {{"type", "leased"},
          {"task", output.task.value},
          {"placement", model::to_json(output.placement)},
          {"until", base::to_ms(output.until)}};
}
object encode(const LeaseEnded& output) {
  return {{"type", "lease_ended"}, {"task", output.task.value}, {"cause", output.cause}};
}
object encode(const Finished& output) {
  return {{"type", "finished"},
          {"task", output.task.value},
          {"state", model::to_text(output.state)},
          {"attempt", output.attempt},
          {"exit", model::to_json(output.exit)},
          {"why", base::to_text(output.why)}};
}

const array* list(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_array() ? &found->as_array() : nullptr;
}

const object* part(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_object() ? &found->as_object() : nullptr;
}

std::optional<int> small(const object& from, std::string_view key) {
  const auto number = base::maybe_int(from, key);
  return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}

base::Result<Input> broken(std::string_view what) {
  return base::fail(base::ErrorCode::kStoreError, "a journal entry has no " + std::string(what));
}

// ---- reading, a function per type ----

using Read = base::Result<Input> (*)(const object&);

TaskId task_of(const object& from) { return TaskId(base::string_or(from, "task")); }
int attempt_of(const object& from) { return static_cast<int>(base::int_or(from, "attempt")); }

base::Result<Input> read_configure(const object& from) {
  const object* config = part(from, "config");
  if (config == nullptr) return broken("config");
  return Input(Configure{config_from_json(*config), base::bool_or(from, "start", true)});
}

base::Result<Input> read_inventory(const object& from) {
  SetInventory input;
  const array* devices = list(from, "devices");
  if (devices == nullptr) return broken("devices");
  for (const value& item : *devices) {
    if (!item.is_object()) return broken("device");
    auto device = model::device_from_json(item.as_object());
    if (!device) return base::fail(device.error());
    input.devices.push_back(std::move(*device));
  }
  input.complete = base::bool_or(from, "complete", true);
  return Input(std::move(input));
}

base::Result<Input> read_readings(const object& from) {
  SetReadings input;
  const array* readings = list(from, "readings");
  if (readings == nullptr) return broken("readings");
  for (const value& item : *readings) {
    if (!item.is_object()) return broken("reading");
    input.readings.push_back(reading_from_json(item.as_object()));
  }
  return Input(std::move(input));
}

base::Result<model::Request> read_request(const object& from) {
  const object* source = part(from, "request");
  if (source == nullptr)
    return base::fail(base::ErrorCode::kStoreError, "a journal entry has no request");
  return model::request_from_json(*source);
}

base::Result<Input> read_submit(const object& from) {
  auto request = read_request(from);
  if (!request) return base::fail(request.error());
  return Input(Submit{std::move(*request)});
}

base::Result<Input> read_lease(const object& from) {
  auto request = read_request(from);
  if (!request) return base::fail(request.error());
  return Input(Lease{std::move(*request), base::Duration{base::int_or(from, "time_ms")}});
}

base::Result<Input> read_limits(const object& from) {
  SetLimits input;
  const array* changes = list(from, "changes");
  if (changes == nullptr) return broken("changes");
  for (const value& item : *changes) {
    if (!item.is_object()) return broken("change");
    const object& change = item.as_object();
    input.changes.push_back({DeviceId(base::string_or(change, "device")), small(change, "training"),
                             small(change, "inference")});
  }
  return Input(std::move(input));
}

base::Result<Input> read_drain(const object& from) {
  Drain input{{}, base::bool_or(from, "on"), base::string_or(from, "reason")};
  const array* devices = list(from, "devices");
  if (devices == nullptr) return broken("devices");
  for (const value& item : *devices) {
    if (!item.is_string()) return broken("device");
    input.devices.emplace_back(std::string(item.as_string()));
  }
  return Input(std::move(input));
}

base::Result<Input> read_exited(const object& from) {
  const object* exit = part(from, "exit");
  if (exit == nullptr) return broken("exit");
  return Input(Exited{task_of(from), attempt_of(from), model::exit_from_json(*exit),
                      base::maybe_bytes(from, "peak_memory"),
                      base::bool_or(from, "out_of_memory")});
}

const std::map<std::string_view, Read>& readers() {
  static const std::map<std::string_view, Read> kReaders{
      {"configure", read_configure},
      {"inventory", read_inventory},
      {"readings", read_readings},
      {"submit", read_submit},
      {"lease", read_lease},
      {"limits", read_limits},
      {"drain", read_drain},
      {"exited", read_exited},
      {"cancel",
       [](const object& from) -> base::Result<Input> { return Input(Cancel{task_of(from)}); }},
      {"hold",
       [](const object& from) -> base::Result<Input> {
         return Input(SetHold{task_of(from), base::bool_or(from, "on")});
       }},
      {"priority",
       [](const object& from) -> base::Result<Input> {
         return Input(SetPriority{task_of(from), static_cast<int>(base::int_or(from, "priority"))});
       }},
      {"renew_lease",
       [](const object& from) -> base::Result<Input> {
         return Input(RenewLease{task_of(from), base::Duration{base::int_or(from, "time_ms")},
                                 base::string_or(from, "holder")});
       }},
      {"end_lease",
       [](const object& from) -> base::Result<Input> { return Input(EndLease{task_of(from)}); }},
      {"launch_failed",
       [](const object& from) -> base::Result<Input> {
         return Input(LaunchFailed{task_of(from), attempt_of(from), base::bool_or(from, "again")});
       }},
      {"pause",
       [](const object& from) -> base::Result<Input> {
         return Input(Pause{base::bool_or(from, "on")});
       }},
      {"tick", [](const object&) -> base::Result<Input> { return Input(Tick{}); }}};
  return kReaders;
}

}  // namespace

object to_json(const Input& input) {
  return std::visit([](const auto& value) { return encode(value); }, input);
}

object to_json(const Output& output) {
  return std::visit([](const auto& value) { return encode(value); }, output);
}

base::Result<Input> input_from_json(const object& from) {
  const std::string type = base::string_or(from, "type");
  const auto reader = readers().find(type);
  return reader == readers().end() ? broken("known type (" + type + ")") : reader->second(from);
}

}  // namespace berth::core
