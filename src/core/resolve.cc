// SPDX-License-Identifier: Apache-2.0
#include "core/resolve.h"

#include <algorithm>

#include "base/phrase.h"
#include "base/text.h"
#include "model/task_words.h"

namespace berth::core {

namespace {

namespace words = model::words;

using model::Selector;
using model::Vendor;

using Devices = DeviceIndex::List;

template <class Predicate>
Devices those(const State& state, Predicate wanted) {
  Devices found;
  for (const auto& [id, entry] : state.devices) {
    if (wanted(entry)) found.push_back(&entry);
  }
  return found;
}

Devices of_vendor(const State& state, Vendor vendor) {
  return those(state, [&](const DeviceEntry& entry) { return entry.device.vendor == vendor; });
}

Devices all_gpus(const State& state) {
  return those(state, [](const DeviceEntry& entry) { return !entry.is_cpu(); });
}

// Devices that are gone but still held by tasks keep their old number: it is not theirs any more.
void drop_absent(Devices& devices) {
  std::erase_if(devices, [](const DeviceEntry* entry) { return !entry->present; });
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
std::string names(Devices devices) {
  drop_absent(devices);
  if (devices.empty()) return "no GPU";
  std::sort(devices.begin(), devices.end(), [](const DeviceEntry* a, const DeviceEntry* b) {
    return model::listed_before(a->device, b->device);
  });
  std::vector<std::string> parts;
  for (const DeviceEntry* entry : devices) parts.push_back(entry->device.name);
  return base::join(parts, ", ");
}

base::Error no_device(std::string_view pattern, const std::vector<std::string>& values,
                      std::vector<std::pair<std::string, std::string>> context = {}) {
  return {base::ErrorCode::kDeviceNotFound, base::fill(pattern, values), std::move(context)};
}

base::Error not_there(const State& state, const Selector::Named& named, const std::string& text) {
  if (!named.vendor) {
    return no_device(words::kNotHere, {named.uuid_prefix, names(all_gpus(state))});
  }
  auto there = of_vendor(state, *named.vendor);
  drop_absent(there);
  if (named.instance) {
    return no_device(words::kNoInstance,
                     {std::to_string(*named.instance), std::to_string(named.index), names(there)},
                     {{"device", text}});
  }
  std::erase_if(there, [](const DeviceEntry* entry) { return entry->device.mig.has_value(); });
  const auto index = std::to_string(named.index);
  if (there.empty()) {
    return no_device(words::kIndexRangeNone, {index, brand(*named.vendor), names(all_gpus(state))},
                     {{"device", text}});
  }
  return no_device(there.size() == 1 ? words::kIndexRange : words::kIndexRangeMany,
                   {index, std::to_string(there.size()), brand(*named.vendor), names(there)},
                   {{"device", text}});
}

bool begins_with(std::string_view text, std::string_view lower_prefix) {
  return text.size() >= lower_prefix.size() &&
         base::lower(text.substr(0, lower_prefix.size())) == lower_prefix;
}

base::Result<const DeviceEntry*> look_up(const State& state, const Selector::Named& named,
                                         const std::string& text) {
  Devices matches = those(state, [&](const DeviceEntry& entry) {
    const auto instance = entry.device.mig ? std::optional(entry.device.mig->number) : std::nullopt;
    return named.vendor
               ? entry.device.index == named.index && entry.device.vendor == *named.vendor &&
                     instance == named.instance && entry.present
               : begins_with(entry.device.id.value, named.uuid_prefix);
  });
  for (const DeviceEntry* match : matches) {
    if (match->device.id.value.size() == named.uuid_prefix.size()) return match;
  }
  if (matches.size() == 1) return matches.front();
  if (matches.empty()) return base::fail(not_there(state, named, text));
  return base::fail(no_device(words::kAmbiguous, {named.uuid_prefix, names(matches)}));
}

base::Result<Resolved> resolve_named(const State& state, const model::Request& request) {
  Resolved resolved;
  resolved.all = true;
  Devices devices;
  for (const auto& named : request.selector.named) {
    auto found = look_up(state, named, request.selector.text);
    if (!found) return base::fail(found.error());
    if (std::find(devices.begin(), devices.end(), *found) != devices.end()) {
      return base::fail(
          base::ErrorCode::kBadRequest,
          base::fill(words::kNamesTwice, {request.selector.text, (*found)->device.name}));
    }
    devices.push_back(*found);
  }
  resolved.devices = DeviceList(std::move(devices));
  return resolved;
}

// Built-in tasks run in our workers: GPUs that these cannot use are no candidates.
Vendors usable_by_workers(const State& state) {
  Vendors usable = 0;
  for (const Vendor vendor : state.config.worker_vendors) usable |= bit(vendor);
  return usable;
}

}  // namespace

Resolved on_processor(const State& state, Fallback why) {
  constexpr Vendors kProcessor = bit(Vendor::kCpu);
  return Resolved{state.devices.index().of(kProcessor), false, kProcessor, why};
}

std::size_t Resolved::wanted(const model::Request& request) const {
  if (all) return devices.size();
  // The processor takes it whatever number of GPUs was asked for.
  return fallback != Fallback::kNone ? 1 : static_cast<std::size_t>(request.gpus);
}

base::Result<Resolved> resolve(const State& state, const model::Request& request) {
  const Selector& selector = request.selector;
  if (selector.mode == Selector::Mode::kCpu) return on_processor(state, Fallback::kNone);
  if (!state.inventory_known) return Resolved{};

  const DeviceIndex& index = state.devices.index();
  const Vendors gpus = index.vendors() & ~bit(Vendor::kCpu);
  if (gpus == 0) {
    if (state.gpus_seen) return Resolved{};  // a driver that is being replaced, say: they come back
    const bool by_uuid = selector.mode == Selector::Mode::kNamed &&
                         std::any_of(selector.named.begin(), selector.named.end(),
                                     [](const auto& named) { return !named.vendor; });
    if (by_uuid) {
      return base::fail(no_device(words::kNotHereNoGpu, {selector.text}));
    }
    if (!request.gpu_type.empty()) {
      return base::fail(no_device(words::kNoGpuOfType, {request.gpu_type}));
    }
    return on_processor(state, Fallback::kNoGpu);
  }

  if (selector.mode == Selector::Mode::kNamed) {
    auto named = resolve_named(state, request);
    if (!named || !request.builtin) return named;
    Devices devices(named->devices.begin(), named->devices.end());
    std::erase_if(devices, [&](const DeviceEntry* entry) {
      return !state.config.worker_vendors.contains(entry->device.vendor);
    });
    if (devices.empty()) return on_processor(state, Fallback::kWorkerWithoutGpu);
    named->devices = DeviceList(std::move(devices));
    return named;
  }

  Vendors vendors = gpus;
  if (selector.mode == Selector::Mode::kVendor) {
    vendors = gpus & bit(selector.vendor);
    // PyTorch on ROCm calls AMD devices "cuda" too.
    if (vendors == 0 && selector.vendor == Vendor::kNvidia) vendors = gpus & bit(Vendor::kAmd);
    if (vendors == 0) {
      return base::fail(
          no_device(words::kNoBrand, {brand(selector.vendor), names(all_gpus(state))}));
    }
  }
  if (request.builtin) vendors &= usable_by_workers(state);
  if (vendors == 0) return on_processor(state, Fallback::kWorkerWithoutGpu);
  return Resolved{index.of(vendors), false, vendors, Fallback::kNone};
}

}  // namespace berth::core
