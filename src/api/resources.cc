// SPDX-License-Identifier: Apache-2.0
// /api/v2/resources: what the devices are doing, and the limits.
#include "api/resources.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "api/live_response.h"
#include "api/routes.h"
#include "api/schema.h"
#include "api/task_codec.h"
#include "api/texts.h"
#include "base/text.h"
#include "core/memory.h"
#include "model/device_report.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

// GPUs by index, the processor last.
std::vector<const core::DeviceEntry*> in_order(const core::State& state) {
  std::vector<const core::DeviceEntry*> order;
  for (const auto& [id, device] : state.devices) order.push_back(&device);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return model::listed_before(a->device, b->device);
  });
  return order;
}

object current_tasks(const core::DeviceEntry* device) {
  const auto count = [&](model::Kind kind) {
    return device == nullptr ? 0 : device->running_of(kind);
  };
  return object{{"training", count(model::Kind::kTraining)},
                {"inference", count(model::Kind::kInference)},
                {"command", count(model::Kind::kCommand)}};
}

value processes(const DeviceView& view) {
  if (!view.sample || !view.sample->processes) return nullptr;
  array list;
  for (const auto& process : *view.sample->processes) {
    const auto named = [&](const std::map<int, model::TaskId>& tasks) {
      const auto task = tasks.find(process.pid);
      return task == tasks.end() ? value(nullptr) : value(task->second.value);
    };
    object one = model::process_report(process);
    one["task_id"] = named(view.task_by_pid);
    one["left_by"] = named(view.left_by);
    list.push_back(std::move(one));
  }
  return list;
}

// What is for people in the report of a device. Reasons for slowness are codes for programs.
void say_reasons(object& report, Language language) {
  if (language == Language::kEnglish) return;
  for (const char* field : {"no_tasks", "health_reason"}) {
    value& text = report.at(field);
    if (text.is_string()) text = say_reason(text.get_string(), language);
  }
}

object gpu_device(const Service& service, const DeviceView& view, Language language) {
  const auto found = service.state().devices.find(view.device.id);
  const core::DeviceEntry* entry =
      found == service.state().devices.end() ? nullptr : &found->second;
  const model::Sample none;
  const model::Sample& sample = view.sample ? *view.sample : none;
  // Used, and what our tasks have reserved and not yet taken.
  std::optional<base::Bytes> promised;
  std::optional<base::Bytes> effective;
  if (entry != nullptr) {
    effective = core::effective_free(*entry);
    if (effective && sample.free_memory && sample.used_memory) {
      promised = *sample.used_memory + std::max(base::Bytes{}, *sample.free_memory - *effective);
    }
  }
  array pools;
  if (entry != nullptr) {
    for (const auto& pool : entry->pools) pools.emplace_back(pool);
  }
  object result = model::device_report(view.device, sample);
  say_reasons(result, language);
  if (promised) result["cached_memory_gb"] = model::gib_or_null(promised);
  result["effective_free_memory_gb"] =
      model::gib_or_null(effective ? effective : sample.free_memory);
  result["effective_free_memory_bytes"] = base::or_null(effective ? effective : sample.free_memory);
  if (entry != nullptr && entry->reading) result["throttled"] = entry->reading->throttled;
  result["enforcement"] = model::to_json(view.enforcement);
  result["pools"] = std::move(pools);
  result["unhealthy_since"] = time_or_null(view.unhealthy_since);
  result["next_probe"] = time_or_null(view.next_probe);
  result["current_tasks"] = current_tasks(entry);
  result["processes"] = processes(view);
  result["age_s"] =
      view.sample
          ? value(std::round(static_cast<double>((service.now() - sample.taken).count())) / 1000)
          : value(nullptr);
  return result;
}

// The devices that a key of `max_concurrent` means: one by name or UUID, or all CUDA ones.
std::vector<model::DeviceId> devices_of(const core::State& state, const std::string& key) {
  std::vector<model::DeviceId> found;
  if (base::lower(key) == "cuda") {
    for (const auto& [id, device] : state.devices) {
      if (device.device.vendor == model::Vendor::kNvidia) found.push_back(id);
    }
    return found;
  }
  if (const auto* device = core::find_device(state, key)) found.push_back(device->device.id);
  return found;
}

// 422 for what is no number, 400 for what means nothing: an answer, or nothing and `changes`.
std::optional<http::Response> read_kinds(const std::string& key, const value& kinds,
                                         core::LimitChange& change) {
  const auto bad = [](const std::string& text) { return http::error_response(400, text); };
  Fields outer(object{{key, kinds}}, {"body", "max_concurrent"});
  if (!kinds.is_object()) {
    outer.refuse("dict_type", key, "Input should be a valid dictionary");
    return outer.refusal();
  }
  Fields fields(kinds.as_object(), {"body", "max_concurrent", value(key)});
  for (const auto& entry : kinds.as_object()) {
    const std::string kind(entry.key());
    const auto number = fields.integer(kind);
    if (!fields.valid()) return fields.refusal();
    if (kind != "training" && kind != "inference") {
      return bad("\"" + kind + "\" is no kind with a limit: write training or inference");
    }
    if (number < 0 || number > 1'000'000) {
      return bad("max_concurrent." + key + "." + kind + " is " + std::to_string(number) +
                 ": it must be between 0 and 1000000");
    }
    (kind == "training" ? change.training : change.inference) = static_cast<int>(number);
  }
  return std::nullopt;
}

std::optional<http::Response> read_limits(const core::State& state, const object& map,
                                          std::vector<core::LimitChange>& changes) {
  for (const auto& entry : map) {
    const std::string key(entry.key());
    core::LimitChange change;
    if (auto refusal = read_kinds(key, entry.value(), change)) return refusal;
    const auto ids = devices_of(state, key);
    if (ids.empty()) {
      std::vector<std::string> names;
      for (const auto* device : in_order(state)) names.push_back(device->device.name);
      return http::error_response(
          400, "There is no device \"" + key + "\": this machine has " + base::join(names, ", "));
    }
    for (const auto& id : ids) {
      change.device = id;
      changes.push_back(change);
    }
  }
  return std::nullopt;
}

void configure(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  const value* map = fields.body().if_contains("max_concurrent");
  const object empty;
  if (map != nullptr && !map->is_object() && !map->is_null()) {
    fields.refuse("dict_type", "max_concurrent", "Input should be a valid dictionary");
    return exchange.respond(fields.refusal());
  }
  if (map == nullptr && !fields.body().empty()) {
    fields.refuse("missing", "max_concurrent",
                  "Field required: {\"max_concurrent\": {\"cuda:0\": {\"training\": 1}}}");
    return exchange.respond(fields.refusal());
  }
  std::vector<core::LimitChange> changes;
  auto refusal = read_limits(
      service.state(), map != nullptr && map->is_object() ? map->as_object() : empty, changes);
  if (refusal) return exchange.respond(std::move(*refusal));
  const Language language = language_of(request);
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.set_limits(std::move(changes), [held, language, &service](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(json_response(object{{"status", "success"},
                                       {"message", phrase(Phrase::kLimitsUpdated, language)},
                                       {"current_config", limits(service.state())}}));
  });
}

object drains(const core::State& state) {
  object devices;
  for (const auto& [id, reason] : state.drained) {
    const auto device = state.devices.find(id);
    devices[device == state.devices.end() ? id.value : device->second.device.name] = reason;
  }
  return object{{"machine", state.draining.has_value()},
                {"reason", state.draining ? value(*state.draining) : value(nullptr)},
                {"devices", std::move(devices)}};
}

// {devices: ["cuda:0"], drain: true, reason}; without devices the whole machine.
void drain(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  core::Drain input;
  for (const auto& entry : fields.body()) {
    if (entry.key() != "devices" && entry.key() != "drain" && entry.key() != "reason")
      fields.refuse("extra_forbidden", entry.key(), "There is no such field");
  }
  input.on = fields.boolean_or("drain", true);
  input.reason = fields.nullable_string("reason");
  std::vector<std::string> names;
  const auto* devices = fields.body().if_contains("devices");
  if (devices != nullptr && !devices->is_null()) names = fields.strings("devices");
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (devices != nullptr && devices->is_array() && names.empty())
    return exchange.fail(400, "devices is empty: leave it out to mean the whole machine");
  for (const auto& name : names) {
    auto found = devices_of(service.state(), name);
    if (found.empty()) {
      return exchange.fail(400, "There is no device " + name + " here: `berth gpus` lists them");
    }
    input.devices.insert(input.devices.end(), found.begin(), found.end());
  }
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.drain(std::move(input), [held, &service](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(json_response(drains(service.state())));
  });
}

// Many ask for the same: while nothing has changed the answer is made again only for the ages in
// it. Each language has its own.
class GpuAnswer {
 public:
  http::Response get(Service& service, Language language) {
    Made& made = made_.at(static_cast<std::size_t>(language));
    const auto now = service.now();
    const auto age = now - made.at;
    if (made.answer.body.empty() || service.revision() != made.revision || age > kKept ||
        age.count() < 0) {
      made.revision = service.revision();
      made.at = now;
      made.answer = json_response(gpu_object(service, language));
    }
    return made.answer;
  }

 private:
  static constexpr base::Duration kKept{100};

  struct Made {
    std::uint64_t revision = 0;
    base::Time at{};
    http::Response answer;
  };
  std::array<Made, 2> made_;  // by Language
};

}  // namespace

object device_usage(const core::State& state) {
  object result;
  for (const auto* device : in_order(state)) result[device->device.name] = current_tasks(device);
  return result;
}

object active_tasks(const Service& service) {
  object result;
  for (const auto* device : in_order(service.state())) {
    array tasks;
    for (const auto& [id, reserved] : device->reservations) {
      const auto record = service.find(id);
      const auto task = service.state().tasks.find(id);
      const bool lease = task != service.state().tasks.end() && task->second.is_lease();
      if (!lease && record == nullptr) continue;  // not on disk yet
      object entry = held_memory(*device, id, reserved);
      entry["id"] = id.value;
      entry["type"] = lease ? "lease" : record->type;
      entry["reserved_gb"] = to_gb(reserved);
      tasks.push_back(std::move(entry));
    }
    if (!tasks.empty()) result[device->device.name] = std::move(tasks);
  }
  return result;
}

object limits(const core::State& state) {
  object result;
  for (const auto* device : in_order(state)) {
    result[device->device.name] =
        object{{"training", device->limits.training}, {"inference", device->limits.inference}};
  }
  return result;
}

object gpu_object(Service& service, Language language) {
  array devices, others;
  for (const auto& view : service.devices()) {
    if (view.device.vendor == model::Vendor::kCpu) continue;
    (view.device.no_tasks.empty() ? devices : others)
        .push_back(gpu_device(service, view, language));
  }
  array hints;
  for (const auto& hint : service.inventory().hints) hints.emplace_back(say_reason(hint, language));
  const bool any = !devices.empty();
  const auto count = devices.size();
  return object{
      {"available", any},
      {"count", count},
      {"devices", std::move(devices)},
      {"other_devices", std::move(others)},
      {"cuda_version", any ? base::or_null(service.inventory().cuda_version) : value(nullptr)},
      {"driver_version", base::or_null(service.inventory().driver_version)},
      {"pytorch_version", base::or_null(service.worker().torch_version)},
      {"hints", std::move(hints)}};
}

// The same in the form of the originals' first versions: {"GPU_0": {...}}.
object gpu_memory(const object& gpus) {
  object memory;
  for (const auto& item : gpus.at("devices").as_array()) {
    const object& gpu = item.as_object();
    memory["GPU_" + std::to_string(gpu.at("id").to_number<int>())] =
        object{{"name", gpu.at("name")},
               {"total_gb", gpu.at("total_memory_gb")},
               {"allocated_gb", gpu.at("allocated_memory_gb")},
               {"cached_gb", gpu.at("cached_memory_gb")},
               {"free_gb", gpu.at("free_memory_gb")}};
  }
  return memory;
}

object resource_status(Service& service, Language language) {
  object gpus = gpu_object(service, language);
  object status{{"device_usage", device_usage(service.state())},
                {"active_tasks", active_tasks(service)},
                {"limits", limits(service.state())},
                {"gpu_available", gpus.at("available")},
                {"gpu_memory_info", gpu_memory(gpus)}};
  status["gpu_info"] = std::move(gpus);
  return status;
}

void add_resource_routes(http::Router& router, Service& service) {
  router.add("GET", "/api/v2/resources/drain",
             [&service](const http::Request&, http::Exchange exchange) {
               exchange.respond(json_response(drains(service.state())));
             });
  router.add("POST", "/api/v2/resources/drain",
             [&service](const http::Request& request, http::Exchange exchange) {
               drain(service, request, std::move(exchange));
             });
  router.add("GET", "/api/v2/resources",
             [&service](const http::Request& request, http::Exchange exchange) {
               exchange.respond(json_response(resource_status(service, own_language(request))));
             });
  router.add("GET", "/api/v2/resources/gpu",
             [&service, last = GpuAnswer()](const http::Request& request,
                                            http::Exchange exchange) mutable {
               exchange.respond(last.get(service, own_language(request)));
             });
  router.add("GET", "/api/v2/resources/cpu",
             [&service](const http::Request&, http::Exchange exchange) {
               exchange.respond(json_response(service.processor()));
             });
  router.add("POST", "/api/v2/resources/config",
             [&service](const http::Request& request, http::Exchange exchange) {
               configure(service, request, std::move(exchange));
             });
}

}  // namespace berth::api
