// SPDX-License-Identifier: Apache-2.0
// The JSON forms of inputs and outputs in the journal: {"type": ..., fields}.
#include "core/input.h"
#include "core/output.h"
#include "core/snapshot.h"

namespace berth::core {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object encode(const Configure& input) {
  return {{"type", "configure"}, {"config", to_json(input.config)}};
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

object encode(const Exited& input) {
  return {{"type", "exited"},
          {"task", input.task.value},
          {"attempt", input.attempt},
          {"exit", model::to_json(input.exit)},
          {"peak_memory", base::or_null(input.peak_memory)}};
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
          {"placement", model::to_json(output.placement)}};
}
object encode(const Stop& output) {
  return {{"type", "stop"}, {"task", output.task.value}, {"attempt", output.attempt}};
}
object encode(const Finished& output) {
  return {{"type", "finished"},
          {"task", output.task.value},
          {"state", model::to_text(output.state)},
          {"attempt", output.attempt},
          {"exit", model::to_json(output.exit)}};
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

}  // namespace

object to_json(const Input& input) {
  return std::visit([](const auto& value) { return encode(value); }, input);
}

object to_json(const Output& output) {
  return std::visit([](const auto& value) { return encode(value); }, output);
}

base::Result<Input> input_from_json(const object& from) {
  const std::string type = base::string_or(from, "type");
  const TaskId task(base::string_or(from, "task"));
  const int attempt = static_cast<int>(base::int_or(from, "attempt"));
  if (type == "configure") {
    const object* config = part(from, "config");
    return config != nullptr ? base::Result<Input>(Configure{config_from_json(*config)})
                             : broken("config");
  }
  if (type == "inventory") {
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
  if (type == "readings") {
    SetReadings input;
    const array* readings = list(from, "readings");
    if (readings == nullptr) return broken("readings");
    for (const value& item : *readings) {
      if (!item.is_object()) return broken("reading");
      input.readings.push_back(reading_from_json(item.as_object()));
    }
    return Input(std::move(input));
  }
  if (type == "submit") {
    const object* source = part(from, "request");
    if (source == nullptr) return broken("request");
    auto request = model::request_from_json(*source);
    if (!request) return base::fail(request.error());
    return Input(Submit{std::move(*request)});
  }
  if (type == "cancel") return Input(Cancel{task});
  if (type == "limits") {
    SetLimits input;
    const array* changes = list(from, "changes");
    if (changes == nullptr) return broken("changes");
    for (const value& item : *changes) {
      if (!item.is_object()) return broken("change");
      const object& change = item.as_object();
      input.changes.push_back({DeviceId(base::string_or(change, "device")),
                               small(change, "training"), small(change, "inference")});
    }
    return Input(std::move(input));
  }
  if (type == "pause") return Input(Pause{base::bool_or(from, "on")});
  if (type == "launch_failed")
    return Input(LaunchFailed{task, attempt, base::bool_or(from, "again")});
  if (type == "exited") {
    const object* exit = part(from, "exit");
    if (exit == nullptr) return broken("exit");
    return Input(Exited{task, attempt, model::exit_from_json(*exit),
                        base::maybe_bytes(from, "peak_memory")});
  }
  return broken("known type (" + type + ")");
}

}  // namespace berth::core
