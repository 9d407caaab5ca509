// SPDX-License-Identifier: Apache-2.0
#include "core/resolve.h"

#include <algorithm>

#include "base/text.h"

namespace berth::core {

namespace {

using model::Selector;
using model::Vendor;

std::vector<DeviceId> of_vendor(const State& state, Vendor vendor) {
  std::vector<DeviceId> found;
  for (const auto& [id, entry] : state.devices) {
    if (entry.device.vendor == vendor) found.push_back(id);
  }
  return found;
}

std::vector<DeviceId> all_gpus(const State& state) {
  std::vector<DeviceId> found;
  for (const auto& [id, entry] : state.devices) {
    if (!entry.is_cpu()) found.push_back(id);
  }
  return found;
}

std::string brand(Vendor vendor) {
  switch (vendor) {
    case Vendor::kNvidia:
      return "CUDA";
    case Vendor::kAmd:
      return "ROCm";
    case Vendor::kIntel:
      return "XPU";
    case Vendor::kAscend:
      return "NPU";
    case Vendor::kCpu:
      break;
  }
  return "CPU";
}

// "cuda:0, cuda:1": in order of index, not of UUID.
std::string names(const State& state, std::vector<DeviceId> ids) {
  std::sort(ids.begin(), ids.end(), [&](const DeviceId& a, const DeviceId& b) {
    const auto& x = state.devices.at(a).device;
    const auto& y = state.devices.at(b).device;
    return std::tie(x.vendor, x.index) < std::tie(y.vendor, y.index);
  });
  std::vector<std::string> parts;
  for (const DeviceId& id : ids) parts.push_back(state.devices.at(id).device.name);
  return base::join(parts, ", ");
}

base::Error not_there(const State& state, const Selector::Named& named, const std::string& text) {
  if (!named.vendor) {
    return {base::ErrorCode::kDeviceNotFound,
            "Device " + named.uuid_prefix + " is not on this machine: it has " + names(state, all_gpus(state)), {}};
  }
  const auto there = of_vendor(state, *named.vendor);
  std::string message = "Device index " + std::to_string(named.index) + " is out of range: this machine has " +
                        std::to_string(there.size()) + " " + brand(*named.vendor) + " device" +
                        (there.size() == 1 ? "" : "s");
  message += there.empty() ? "; it has " + names(state, all_gpus(state)) : " (" + names(state, there) + ")";
  return {base::ErrorCode::kDeviceNotFound, message, {{"device", text}}};
}

base::Result<DeviceId> look_up(const State& state, const Selector::Named& named, const std::string& text) {
  std::vector<DeviceId> matches;
  for (const auto& [id, entry] : state.devices) {
    const bool match = named.vendor ? entry.device.vendor == *named.vendor && entry.device.index == named.index
                                    : base::lower(id.value).rfind(named.uuid_prefix, 0) == 0;
    if (match) matches.push_back(id);
  }
  if (matches.size() == 1) return matches.front();
  if (matches.empty()) return base::fail(not_there(state, named, text));
  return base::fail(base::ErrorCode::kDeviceNotFound,
                    "Device " + named.uuid_prefix + " is ambiguous: it may be any of " + names(state, matches));
}

base::Result<Resolved> resolve_named(const State& state, const model::Request& request) {
  Resolved resolved;
  resolved.all = true;
  for (const auto& named : request.selector.named) {
    auto id = look_up(state, named, request.selector.text);
    if (!id) return base::fail(id.error());
    if (std::find(resolved.devices.begin(), resolved.devices.end(), *id) != resolved.devices.end()) {
      return base::fail(base::ErrorCode::kBadRequest,
                        "\"" + request.selector.text + "\" names " + state.devices.at(*id).device.name + " twice");
    }
    resolved.devices.push_back(*id);
  }
  return resolved;
}

Resolved on_cpu(const State& state, Fallback fallback) {
  return Resolved{of_vendor(state, Vendor::kCpu), false, fallback};
}

}  // namespace

base::Result<Resolved> resolve(const State& state, const model::Request& request) {
  const Selector& selector = request.selector;
  if (selector.mode == Selector::Mode::kCpu) return on_cpu(state, Fallback::kNone);
  if (!state.inventory_known) return Resolved{};

  const auto gpus = all_gpus(state);
  if (gpus.empty()) {
    const bool by_uuid = selector.mode == Selector::Mode::kNamed &&
                         std::any_of(selector.named.begin(), selector.named.end(),
                                     [](const auto& named) { return !named.vendor; });
    if (by_uuid) {
      return base::fail(base::ErrorCode::kDeviceNotFound,
                        "Device " + selector.text + " is not on this machine: it has no GPU");
    }
    return on_cpu(state, Fallback::kNoGpu);
  }

  Resolved resolved;
  switch (selector.mode) {
    case Selector::Mode::kNamed: {
      auto named = resolve_named(state, request);
      if (!named) return named;
      resolved = std::move(*named);
      break;
    }
    case Selector::Mode::kVendor:
      resolved.devices = of_vendor(state, selector.vendor);
      // PyTorch on ROCm calls AMD devices "cuda" too.
      if (resolved.devices.empty() && selector.vendor == Vendor::kNvidia) {
        resolved.devices = of_vendor(state, Vendor::kAmd);
      }
      if (resolved.devices.empty()) {
        return base::fail(base::ErrorCode::kDeviceNotFound,
                          "This machine has no " + brand(selector.vendor) + " device; it has " + names(state, gpus));
      }
      break;
    default:
      resolved.devices = gpus;
  }
  if (!request.builtin) return resolved;

  // Built-in tasks run in our workers: GPUs that these cannot use are no candidates.
  std::erase_if(resolved.devices, [&](const DeviceId& id) {
    return !state.config.worker_vendors.contains(state.devices.at(id).device.vendor);
  });
  if (resolved.devices.empty()) return on_cpu(state, Fallback::kWorkerWithoutGpu);
  return resolved;
}

}  // namespace berth::core
