// SPDX-License-Identifier: Apache-2.0
// The instances of GPUs in MIG mode (Multi-Instance GPU) as devices of their own.
#include <array>

#include "base/phrase.h"
#include "device/nvml/backend.h"
#include "model/device_words.h"

namespace berth::device::nvml {

std::optional<std::vector<NvmlBackend::Instance>> NvmlBackend::instances_of(
    DeviceHandle gpu) const {
  const Functions& f = library_->functions();
  std::vector<Instance> found;
  unsigned current = 0;
  unsigned pending = 0;
  const int code = f.mig_mode != nullptr ? f.mig_mode(gpu, &current, &pending) : kNotSupported;
  if (code == kNotSupported || (code == kSuccess && current != 1)) return found;
  if (code != kSuccess) return std::nullopt;
  unsigned most = 0;
  if (f.most_instances == nullptr || f.instance_by_index == nullptr) return found;
  if (f.most_instances(gpu, &most) != kSuccess) return std::nullopt;
  for (unsigned number = 0; number < most; ++number) {
    Instance instance;
    instance.number = number;
    const int there = f.instance_by_index(gpu, number, &instance.handle);
    if (there == kGpuIsLost) return std::nullopt;
    if (there != kSuccess) continue;  // no instance has this number, or not for this user
    int named = kSuccess;
    instance.id = model::DeviceId(text_of_uuid(instance.handle, named));
    if (named == kSuccess) found.push_back(std::move(instance));
  }
  return found;
}

std::vector<NvmlBackend::Found> NvmlBackend::divide(Found& gpu, const SkipList& skip,
                                                    std::vector<std::string>& hints) {
  std::vector<Found> parts;
  const Functions& f = library_->functions();
  unsigned current = 0;
  unsigned pending = 0;
  const bool divided = f.mig_mode != nullptr &&
                       f.mig_mode(gpu.gpu.handle, &current, &pending) == kSuccess && current == 1;
  gpu.device.partitioned = gpu.gpu.partitioned = divided;
  auto& known = instances_[gpu.device.id];
  if (!divided) return parts;
  for (const Instance& instance : instances_of(gpu.gpu.handle).value_or(std::vector<Instance>{})) {
    known.insert(instance.id);
    parts.push_back(describe_instance(gpu, instance, !skip.contains(instance.id.value)));
  }
  if (parts.empty()) {
    hints.push_back(base::fill(model::words::kNoInstances, {gpu.device.name}));
  }
  return parts;
}

NvmlBackend::Found NvmlBackend::describe_instance(const Found& gpu, const Instance& instance,
                                                  bool readable) const {
  const Functions& f = library_->functions();
  Found part;
  part.gpu.handle = instance.handle;
  part.gpu.parent = gpu.gpu.handle;
  part.gpu.readable = readable;
  model::Device& device = part.device;
  device.id = instance.id;
  device.vendor = gpu.device.vendor;
  device.index = gpu.device.index;
  device.name = gpu.device.name + ":" + std::to_string(instance.number);
  device.pci_bus_id = gpu.device.pci_bus_id;
  device.mig.emplace();
  device.mig->parent = gpu.device.id;
  device.mig->number = static_cast<int>(instance.number);
  if (f.gpu_instance_id != nullptr) f.gpu_instance_id(instance.handle, &device.mig->gpu_instance);
  if (f.compute_instance_id != nullptr)
    f.compute_instance_id(instance.handle, &device.mig->compute_instance);
  if (!readable) return part;

  device.compute_capability = gpu.device.compute_capability;
  device.max_clock_mhz = gpu.device.max_clock_mhz;
  // The driver's name of an instance ends with its profile: "NVIDIA A100-SXM4-80GB MIG 1g.10gb".
  constexpr std::string_view kMark = " MIG ";
  std::array<char, kNameSize> name{};
  if (f.name != nullptr && f.name(instance.handle, name.data(), kNameSize) == kSuccess)
    device.model = text_of(name);
  const auto mark = device.model.rfind(kMark);
  if (mark != std::string::npos) {
    device.mig->profile = device.model.substr(mark + kMark.size());
  } else {
    device.model = gpu.device.model + " MIG";
  }
  model::Sample sample;
  read_memory(part.gpu, sample);
  device.total_memory = sample.total_memory;
  // Its share of memory is about its share of the rest.
  const auto part_of = [&](std::int64_t whole) {
    return static_cast<std::int64_t>(static_cast<double>(whole) * device.total_memory->gib() /
                                     gpu.device.total_memory->gib());
  };
  if (device.total_memory && gpu.device.total_memory && gpu.device.total_memory->value > 0) {
    if (gpu.device.peak_gflops) device.peak_gflops = part_of(*gpu.device.peak_gflops);
    if (gpu.device.memory_gbps)
      device.memory_gbps = static_cast<int>(part_of(*gpu.device.memory_gbps));
  }
  return part;
}

bool NvmlBackend::devices_changed() {
  for (const auto& [id, known] : instances_) {
    const auto gpu = gpus_.find(id);
    if (gpu == gpus_.end()) continue;
    const auto now = instances_of(gpu->second.handle);
    if (!now) continue;  // it does not answer, which its samples tell
    std::set<model::DeviceId> there;
    for (const Instance& instance : *now) there.insert(instance.id);
    if (there != known) return true;
    // MIG mode may have been turned on or off without any instance.
    unsigned current = 0;
    unsigned pending = 0;
    const Functions& f = library_->functions();
    if (f.mig_mode == nullptr || f.mig_mode(gpu->second.handle, &current, &pending) != kSuccess)
      continue;
    if ((current == 1) != gpu->second.partitioned) return true;
  }
  return false;
}

void NvmlBackend::read_instance(Gpu& gpu, model::Sample& sample, const Scope& scope) {
  const Functions& f = library_->functions();
  // The handle of an instance that was destroyed is invalid, or means the one that was made in its
  // place (nvmlDeviceGetMigDeviceHandleByIndex).
  int code = kSuccess;
  const std::string uuid = text_of_uuid(gpu.handle, code);
  note(sample, code);
  if (sample.health == model::Health::kLost) return;
  if (uuid != sample.device.value) {
    sample.health = model::Health::kLost;
    sample.health_reason = model::words::kInstanceGone;
    return;
  }
  // What an instance does not have of its own (temperature, power, load) is the GPU's; asked for
  // all the same, for a GPU that is lost is lost with its instances.
  static_cast<void>(number(sample, f.temperature, gpu.parent, kSensorGpu));
  if (sample.health == model::Health::kLost) return;
  read_memory(gpu, sample);
  if (scope.processes || memory_moved(gpu.last, sample)) read_processes(gpu, sample, scope.costly);
}

}  // namespace berth::device::nvml
