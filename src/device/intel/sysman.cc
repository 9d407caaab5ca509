// SPDX-License-Identifier: Apache-2.0
#include "device/intel/sysman.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/phrase.h"
#include "device/symbol.h"
#include "model/device_words.h"

namespace berth::device::intel {

namespace {

constexpr int kSuccess = 0;
constexpr int kDeviceLost = 0x70000001;
constexpr std::uint32_t kOnDevice = 1;  // ZES_MEM_LOC_DEVICE

// Kinds of structs, which carry their own.
constexpr std::uint32_t kPciProperties = 0x2, kMemoryProperties = 0xb, kProcessState = 0x16,
                        kMemoryState = 0x1e;

/// What a function of the form f(owner, &count, list) lists.
template <class Item, class Call>
std::optional<std::vector<Item>> list_of(const Item& blank, const Call& call) {
  constexpr int kTries = 5;  // the list may grow between two calls
  for (int i = 0; i < kTries; ++i) {
    std::uint32_t count = 0;
    if (call(&count, nullptr) != kSuccess) return std::nullopt;
    std::vector<Item> items(count + 8, blank);
    auto got = static_cast<std::uint32_t>(items.size());
    if (call(&got, items.data()) != kSuccess) continue;
    items.resize(std::min<std::size_t>(got, items.size()), blank);
    return items;
  }
  return std::nullopt;
}

}  // namespace

struct Sysman::PciProperties {
  std::uint32_t kind = kPciProperties;
  void* next = nullptr;
  std::uint32_t domain = 0, bus = 0, device = 0, function = 0;
  std::int32_t generation = 0, width = 0;
  std::int64_t bandwidth = 0;
  std::uint8_t counters[3] = {};
};

struct Sysman::MemoryProperties {
  std::uint32_t kind = kMemoryProperties;
  void* next = nullptr;
  std::uint32_t type = 0;
  std::uint8_t on_subdevice = 0;
  std::uint32_t subdevice = 0;
  std::uint32_t location = 0;
  std::uint64_t size = 0;
  std::int32_t bus_width = 0, channels = 0;
};

struct Sysman::MemoryState {
  std::uint32_t kind = kMemoryState;
  const void* next = nullptr;
  std::uint32_t health = 0;
  std::uint64_t free = 0, size = 0;
};

struct Sysman::ProcessState {
  std::uint32_t kind = kProcessState;
  const void* next = nullptr;
  std::uint32_t pid = 0;
  std::uint64_t memory = 0, shared = 0;
  std::uint32_t engines = 0;
};

base::Result<std::unique_ptr<Sysman>> Sysman::open(const std::string& path) {
  static_assert(sizeof(PciProperties) == 56 && sizeof(MemoryProperties) == 48 &&
                sizeof(MemoryState) == 40 && sizeof(ProcessState) == 48);
  const std::string name = path.empty() ? "libze_loader.so.1" : path;
  const auto handle = open_library(name);
  if (!handle) return base::fail(handle.error());
  std::unique_ptr<Sysman> sysman(new Sysman(*handle));
  Functions& f = sysman->functions_;
  find_symbol(*handle, f.init, {"zesInit"});
  find_symbol(*handle, f.drivers, {"zesDriverGet"});
  find_symbol(*handle, f.devices, {"zesDeviceGet"});
  find_symbol(*handle, f.pci, {"zesDevicePciGetProperties"});
  find_symbol(*handle, f.memories, {"zesDeviceEnumMemoryModules"});
  find_symbol(*handle, f.memory_properties, {"zesMemoryGetProperties"});
  find_symbol(*handle, f.memory_state, {"zesMemoryGetState"});
  find_symbol(*handle, f.processes, {"zesDeviceProcessesGetState"});
  if (f.init == nullptr || f.drivers == nullptr || f.devices == nullptr || f.pci == nullptr) {
    return base::fail(base::ErrorCode::kUnavailable,
                      base::fill(model::words::kLevelZeroOld, {name}));
  }
  return sysman;
}

Sysman::~Sysman() { ::dlclose(library_); }

bool Sysman::succeeded(int code) const {
  lost_ = code == kDeviceLost;
  return code == kSuccess;
}

base::Result<std::map<model::PciAddress, Handle>> Sysman::devices() {
  const auto& f = functions_;
  if (const int code = started_ ? kSuccess : f.init(0); code != kSuccess) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%x", static_cast<unsigned>(code));
    return base::fail(base::ErrorCode::kUnavailable,
                      base::fill(model::words::kLevelZeroUnusable, {text}));
  }
  started_ = true;
  std::map<model::PciAddress, Handle> found;
  const auto drivers = list_of<Handle>(
      nullptr, [&](std::uint32_t* count, Handle* list) { return f.drivers(count, list); });
  for (const Handle driver : drivers.value_or(std::vector<Handle>{})) {
    const auto devices = list_of<Handle>(nullptr, [&](std::uint32_t* count, Handle* list) {
      return f.devices(driver, count, list);
    });
    for (const Handle device : devices.value_or(std::vector<Handle>{})) {
      PciProperties place;
      if (f.pci(device, &place) == kSuccess)
        found[model::PciAddress{place.domain, place.bus, place.device, place.function}] = device;
    }
  }
  return found;
}

std::optional<Sysman::Memory> Sysman::memory(Handle device) const {
  const auto& f = functions_;
  if (f.memories == nullptr || f.memory_state == nullptr) return std::nullopt;
  const auto modules = list_of<Handle>(nullptr, [&](std::uint32_t* count, Handle* list) {
    const int code = f.memories(device, count, list);
    static_cast<void>(succeeded(code));
    return code;
  });
  std::optional<Memory> sum;
  for (const Handle module : modules.value_or(std::vector<Handle>{})) {
    MemoryProperties properties;
    if (f.memory_properties != nullptr && succeeded(f.memory_properties(module, &properties)) &&
        properties.location != kOnDevice)
      continue;
    MemoryState state;
    if (!succeeded(f.memory_state(module, &state)) || state.size == 0) return std::nullopt;
    if (!sum) sum.emplace();
    sum->total += base::Bytes{static_cast<std::int64_t>(state.size)};
    sum->free += base::Bytes{static_cast<std::int64_t>(std::min(state.free, state.size))};
  }
  return sum;
}

std::optional<std::map<int, base::Bytes>> Sysman::processes(Handle device) const {
  const auto& f = functions_;
  if (f.processes == nullptr) return std::nullopt;
  const auto states = list_of<ProcessState>({}, [&](std::uint32_t* count, ProcessState* list) {
    return f.processes(device, count, list);
  });
  if (!states) return std::nullopt;
  std::map<int, base::Bytes> held;
  for (const auto& state : *states) {
    held[static_cast<int>(state.pid)] += base::Bytes{static_cast<std::int64_t>(state.memory)};
  }
  return held;
}

}  // namespace berth::device::intel
