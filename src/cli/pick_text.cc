// SPDX-License-Identifier: Apache-2.0
// The choice among devices, as `berth pick` and `berth check` make it.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/text.h"
#include "cli/drain_text.h"
#include "cli/gpus_text.h"
#include "cli/members.h"
#include "cli/words.h"
#include "model/device.h"
#include "model/visible_devices.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

std::int64_t running(const json::object& device) {
  const json::value* tasks = device.if_contains("current_tasks");
  std::int64_t sum = 0;
  if (tasks == nullptr || !tasks->is_object()) return 0;
  for (const auto& item : tasks->as_object())
    sum += item.value().is_int64() ? item.value().as_int64() : 0;
  return sum;
}

double speed(const json::object& device) {
  model::Device known;
  known.peak_gflops = base::maybe_int(device, "peak_gflops");
  known.memory_gbps = static_cast<int>(base::int_or(device, "memory_gbps"));
  if (*known.memory_gbps == 0) known.memory_gbps.reset();
  known.compute_capability = string_or(device, "compute_capability");
  return static_cast<double>(model::speed(known));
}

// Smaller is better, as in core/score.h; equal keys keep the order of the list, which is that of
// the indices.
std::array<double, 4> key(const json::object& device, const std::string& policy) {
  const double slow = base::bool_or(device, "throttled") ? 1 : 0;
  const double free = free_gb(device).value_or(0);
  const double load = std::floor((base::double_or(device, "sm_utilization") + 5) / 10);
  const double tasks = static_cast<double>(running(device));
  if (policy == "balanced" || policy == "spread") return {slow, tasks, -free, load};
  if (policy == "least_loaded") return {slow, load, tasks, -free};
  if (policy == "pack") return {slow, free, 0, 0};
  if (policy == "fastest")
    return {slow, -speed(device), -base::double_or(device, "max_clock_mhz"), -free};
  return {slow, -free, tasks, load};
}

// Why `device` is out of the question; empty when it is not.
std::string obstacle(const json::object& device, const json::object* drains,
                     const PickOptions& options) {
  if (base::bool_or(device, "partitioned")) return tr("divided into MIG instances");
  if (options.count > 1 && object_in(device, "mig") != nullptr)
    return tr("a MIG instance, of which a program can use only one");
  const std::string health = string_or(device, "health", "healthy");
  if (health != "healthy") {
    const std::string reason = string_or(device, "health_reason");
    return reason.empty() ? tr(health) : tr("{}: {}", {tr(health), tr_reason(reason)});
  }
  if (drains != nullptr) {
    const std::string drain = device_drain(*drains, string_or(device, "device_name"));
    if (!drain.empty()) return drain;
    if (machine_is_drained(*drains)) return tr("the machine is drained");
  }
  const std::string model = string_or(device, "name");
  if (base::lower(model).find(base::lower(options.gpu_type)) == std::string::npos)
    return tr("it is {}", {model});
  const base::Bytes memory = options.memory;
  const auto free = free_gb(device);
  if (!free) return memory.value > 0 ? tr("the driver does not say how much memory is free") : "";
  // The report rounds to two decimals.
  if (*free + 0.005 < memory.gib())
    return tr("{} free", {base::to_text(base::Bytes::from_gib(*free))});
  return "";
}

model::Vendor vendor_of(const json::object& device) {
  using model::Vendor;
  const std::string vendor = string_or(device, "vendor");
  const std::string name = string_or(device, "device_name");
  for (const Vendor known : {Vendor::kAmd, Vendor::kIntel, Vendor::kAscend}) {
    if (vendor.empty() ? name.starts_with(model::device_prefix(known))
                       : vendor == model::to_text(known))
      return known;
  }
  return Vendor::kNvidia;
}

std::string list_of(const std::vector<json::object>& devices, PickFormat format) {
  std::vector<std::string> parts;
  for (const json::object& device : devices) {
    const std::string name = string_or(device, "device_name");
    const auto colon = name.find(':');
    if (format == PickFormat::kIndex && object_in(device, "mig") != nullptr &&
        colon != std::string::npos)
      parts.push_back(name.substr(colon + 1));  // "0:1", as NVIDIA's container tools number them
    else if (format == PickFormat::kIndex)
      parts.push_back(std::to_string(base::int_or(device, "id")));
    else
      parts.push_back(string_or(device, format == PickFormat::kUuid ? "uuid" : "device_name"));
  }
  return base::join(parts, ",");
}

std::map<std::string, std::string> environment_of(const std::vector<json::object>& devices) {
  std::vector<model::Device> given;
  for (const json::object& device : devices) {
    given.push_back({.id = model::DeviceId(string_or(device, "uuid")),
                     .vendor = vendor_of(device),
                     .index = static_cast<int>(base::int_or(device, "id"))});
  }
  return model::visible_devices(given);
}

}  // namespace

base::Result<std::vector<json::object>> choose(const json::object& report,
                                               const PickOptions& options) {
  std::vector<json::object> fitting;
  std::vector<std::string> obstacles;
  const json::value* devices = report.if_contains("devices");
  std::size_t count = 0;
  if (devices != nullptr && devices->is_array()) {
    for (const json::value& item : devices->as_array()) {
      if (!item.is_object()) continue;
      ++count;
      const std::string why = obstacle(item.as_object(), object_in(report, "drain"), options);
      if (why.empty())
        fitting.push_back(item.as_object());
      else
        obstacles.push_back(tr("{}: {}", {string_or(item.as_object(), "device_name"), why}));
    }
  }
  const auto wanted = static_cast<std::size_t>(std::max(1, options.count));
  if (count == 0)
    return base::fail(base::ErrorCode::kNeverFits,
                      tr("no GPU on this machine (berth gpus tells more)"));
  if (fitting.size() < wanted) {
    std::string what = wanted == 1 ? tr("1 GPU") : tr("{} GPUs", {std::to_string(wanted)});
    if (!options.gpu_type.empty()) what = tr("{} of type {}", {what, options.gpu_type});
    if (options.memory.value > 0)
      what = tr("{} with {} free", {what, base::to_text(options.memory)});
    std::string message = wanted == 1 ? tr("{} is asked for, none fits", {what})
                          : fitting.empty()
                              ? tr("{} are asked for, none fits", {what})
                              : tr("{} are asked for, only {} of {} fit",
                                   {what, std::to_string(fitting.size()), std::to_string(count)});
    for (const std::string& line : obstacles) message += "\n  " + line;
    return base::fail(base::ErrorCode::kNeverFits, std::move(message));
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [&](const json::object& a, const json::object& b) {
                     return key(a, options.policy) < key(b, options.policy);
                   });
  if (wanted > 1) {
    std::map<std::string, std::size_t> models;
    for (const json::object& device : fitting) ++models[string_or(device, "name")];
    for (const json::object& device : fitting) {  // the best device whose model there is enough of
      const std::string model = string_or(device, "name");
      if (models[model] < wanted) continue;
      std::erase_if(fitting,
                    [&](const json::object& other) { return string_or(other, "name") != model; });
      break;
    }
  }
  fitting.resize(wanted);
  return fitting;
}

std::string render_pick(const std::vector<json::object>& devices, PickFormat format) {
  if (format == PickFormat::kEnv) {
    std::string text;
    for (const auto& [name, value] : environment_of(devices))
      text += (text.empty() ? "" : " ") + name + "=" + value;
    return text + "\n";
  }
  if (format == PickFormat::kJson) {
    json::array list;
    for (const json::object& device : devices) {
      json::object item;
      for (const char* name :
           {"device_name", "id", "uuid", "name", "total_memory_gb", "free_memory_gb"}) {
        const json::value* value = device.if_contains(name);
        const std::string_view as = std::string_view(name) == "device_name" ? "device"
                                    : std::string_view(name) == "id"        ? "index"
                                                                            : name;
        item[json::string_view(as.data(), as.size())] =
            value != nullptr ? *value : json::value(nullptr);
      }
      list.push_back(std::move(item));
    }
    json::object env;
    for (const auto& [name, value] : environment_of(devices)) env[name] = value;
    return base::to_text(json::object{{"devices", std::move(list)}, {"env", std::move(env)}}) +
           "\n";
  }
  return list_of(devices, format) + "\n";
}

}  // namespace berth::cli
