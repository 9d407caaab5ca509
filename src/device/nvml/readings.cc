// SPDX-License-Identifier: Apache-2.0
// One sample of one NVIDIA device.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "base/time.h"
#include "device/host/memory.h"
#include "device/listed_processes.h"
#include "device/nvml/asking.h"
#include "device/nvml/backend.h"
#include "model/device_words.h"

namespace berth::device::nvml {

namespace {

base::Bytes bytes(std::uint64_t value) { return base::Bytes{static_cast<std::int64_t>(value)}; }

std::string merged_type(const std::string& a, const std::string& b) {
  if (a == b) return a;
  if (a == "M" || b == "M") return "M";
  return "C+G";
}

}  // namespace

void NvmlBackend::note(model::Sample& sample, int code) const {
  if (code == kGpuIsLost || code == kGpuNotFound) {
    sample.health = model::Health::kLost;
  } else if (code == kResetRequired && sample.health == model::Health::kHealthy) {
    sample.health = model::Health::kFailed;
  } else {
    return;  // not supported, no permission, no data, unknown: the reading is absent and that is
             // all
  }
  sample.health_reason = library_->words(code);
}

model::Sample NvmlBackend::sample(const model::DeviceId& id, const Scope& scope) {
  model::Sample sample;
  sample.device = id;
  const auto place = gpus_.find(id);
  if (place == gpus_.end()) {
    sample.taken = base::now();
    sample.health = model::Health::kLost;
    sample.health_reason = model::words::kNotListed;
    return sample;
  }
  Gpu& gpu = place->second;
  if (!gpu.readable) return gpu.last;

  sample = gpu.last;  // repeats what is out of scope
  sample.device = id;
  sample.health = model::Health::kHealthy;
  sample.health_reason.clear();
  if (gpu.parent != nullptr) {
    read_instance(gpu, sample, scope);
  } else {
    if (scope.processes) read_events();
    apply_events(gpu, sample);
    read_gpu(gpu, sample, scope);
  }
  if (sample.health == model::Health::kLost) {
    // What was read before the loss describes nothing any more.
    model::Sample lost;
    lost.device = id;
    lost.health = sample.health;
    lost.health_reason = sample.health_reason;
    sample = std::move(lost);
  }
  sample.taken = base::now();
  gpu.last = sample;
  return sample;
}

void NvmlBackend::read_gpu(Gpu& gpu, model::Sample& sample, const Scope& scope) {
  read_memory(gpu, sample);
  read_cheap(gpu.handle, sample);
  if (scope.costly) read_costly(gpu.handle, sample);
  // Those on a GPU in MIG mode are on its instances' lists, and would be counted twice.
  if (!gpu.partitioned && (scope.processes || memory_moved(gpu.last, sample)))
    read_processes(gpu, sample, scope.costly);
}

bool NvmlBackend::memory_moved(const model::Sample& before, const model::Sample& now) {
  constexpr std::int64_t kNoise = 16LL << 20;
  if (before.used_memory.has_value() != now.used_memory.has_value()) return true;
  return now.used_memory && std::abs(now.used_memory->value - before.used_memory->value) > kNoise;
}

void NvmlBackend::read_memory(const Gpu& gpu, model::Sample& sample) const {
  const Functions& f = library_->functions();
  const DeviceHandle handle = gpu.handle;
  sample.total_memory = sample.used_memory = sample.free_memory = sample.reserved_memory =
      std::nullopt;
  bool unified = false;
  if (f.memory_v2 != nullptr) {
    MemoryV2 memory{};
    memory.version = kMemoryV2Version;
    const int code = f.memory_v2(handle, &memory);
    note(sample, code);
    if (code == kSuccess) {
      sample.total_memory = bytes(memory.total);
      sample.used_memory = bytes(memory.used);
      sample.free_memory = bytes(memory.free);
      sample.reserved_memory = bytes(memory.reserved);
      return;
    }
    unified = code == kNotSupported;
  }
  if (f.memory_v1 != nullptr && sample.health != model::Health::kLost) {
    MemoryV1 memory{};
    const int code = f.memory_v1(handle, &memory);
    note(sample, code);
    if (code == kSuccess) {
      sample.total_memory = bytes(memory.total);
      sample.used_memory = bytes(memory.used);
      sample.free_memory = bytes(memory.free);
      return;
    }
    unified = code == kNotSupported;
  }
  // A device that shares the machine's memory has none of its own to report. A parent of MIG
  // instances, or an instance, may refuse with the same code.
  if (gpu.parent != nullptr) return;
  unsigned mig = 0;
  unsigned pending = 0;
  const bool instances =
      f.mig_mode != nullptr && f.mig_mode(handle, &mig, &pending) == kSuccess && mig == 1;
  if (!unified || instances || sample.health == model::Health::kLost) return;
  if (const auto memory = host::read_memory(root_)) {
    sample.total_memory = memory->total;
    sample.free_memory = memory->available;
    sample.used_memory = memory->total - memory->available;
  }
}

void NvmlBackend::read_cheap(DeviceHandle handle, model::Sample& sample) const {
  const Functions& f = library_->functions();
  Utilization load{};
  const bool loaded = ask(sample, f.utilization, handle, &load);
  sample.utilization_percent =
      loaded ? std::optional<int>(static_cast<int>(load.gpu)) : std::nullopt;
  sample.memory_utilization_percent =
      loaded ? std::optional<int>(static_cast<int>(load.memory)) : std::nullopt;

  sample.temperature_c = as_int(number(sample, f.temperature, handle, kSensorGpu));
  if (!sample.temperature_c) {
    TemperatureV1 temperature{};
    temperature.version = kTemperatureV1Version;
    if (ask(sample, f.temperature_v, handle, &temperature))
      sample.temperature_c = temperature.temperature;
  }
  sample.power_w = watts(number(sample, f.power_usage, handle));
  unsigned long long millijoules = 0;
  const bool metered = ask(sample, f.energy, handle, &millijoules);
  sample.energy_mj = metered ? std::optional(static_cast<std::int64_t>(millijoules)) : std::nullopt;
}

void NvmlBackend::read_processes(Gpu& gpu, model::Sample& sample, bool verify) {
  const Functions& f = library_->functions();
  const std::pair<const ProcessCall*, const char*> lists[] = {
      {&f.compute_processes, "C"}, {&f.graphics_processes, "G"}, {&f.mps_processes, "M"}};
  constexpr int kTries = 5;  // the list may grow between two calls
  const auto before = std::move(sample.processes);
  sample.processes.reset();
  std::map<int, model::DeviceProcess> found;
  for (const auto& [list, type] : lists) {
    unsigned count = 0;
    bool answered = false;
    for (int attempt = 0; attempt < kTries && !answered && list->call != nullptr; ++attempt) {
      count = gpu.expected_processes;
      // An entry's size is guessed from the driver's functions: room for the largest, always.
      buffer_.assign(count * kProcessSize535, 0);
      const int code = list->call(gpu.handle, &count, buffer_.data());
      if (code == kInsufficientSize) {
        gpu.expected_processes = std::max(count, gpu.expected_processes) * 2 + 8;
        continue;
      }
      note(sample, code);
      if (code != kSuccess) break;
      answered = true;
      count = std::min(count, gpu.expected_processes);
    }
    if (!answered) continue;
    if (!sample.processes) sample.processes.emplace();
    for (unsigned i = 0; i < count; ++i) {
      ProcessHead head{};
      std::memcpy(&head, buffer_.data() + i * list->entry_size, sizeof head);
      model::DeviceProcess process;
      process.pid = static_cast<int>(head.pid);
      process.type = type;
      // 0 stands for "not told" in containers and on MIG devices.
      if (head.used_memory != kValueNotAvailable && head.used_memory != 0) {
        process.used_memory = bytes(head.used_memory);
      }
      const auto [same, fresh] = found.try_emplace(process.pid, process);
      if (fresh) continue;
      same->second.type = merged_type(same->second.type, process.type);
      same->second.used_memory = std::max(same->second.used_memory, process.used_memory);
    }
  }
  if (!sample.processes) return;
  sample.processes = described(std::move(found), before, processes_, verify);
  read_utilization(f, gpu, *sample.processes);
}

}  // namespace berth::device::nvml
