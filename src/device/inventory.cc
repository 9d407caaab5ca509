// SPDX-License-Identifier: Apache-2.0
#include "device/inventory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "base/fd.h"
#include "base/text.h"
#include "device/gpu_nodes.h"
#include "device/nvml/backend.h"

namespace berth::device {

namespace {

/// Where no driver tells how near two GPUs are, the NUMA nodes do.
void link_by_numa_node(std::vector<model::Device>& devices) {
  for (model::Device& from : devices) {
    if (!from.links.empty() || from.mig || !from.numa_node) continue;
    for (const model::Device& to : devices) {
      if (to.id == from.id || to.mig || to.vendor != from.vendor) continue;
      if (to.numa_node == from.numa_node)
        from.links.push_back({to.id, model::Closeness::kNumaNode, 0});
    }
  }
}

}  // namespace

std::vector<std::string> nvidia_pci_devices(const std::string& root) {
  std::vector<std::string> found;
  std::error_code code;
  std::filesystem::directory_iterator entry(root + "/sys/bus/pci/devices", code);
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    const std::string folder = entry->path().string();
    const auto vendor = base::read_file(folder + "/vendor", 64);
    const auto kind = base::read_file(folder + "/class", 64);
    // Class 03xxxx: display controllers, 3D controllers included.
    if (vendor && kind && base::trim(*vendor) == "0x10de" &&
        base::trim(*kind).starts_with("0x03")) {
      found.push_back(entry->path().filename().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void clear_visible_devices() {
  std::vector<std::string> names;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string name(text.substr(0, text.find('=')));
    if (name.ends_with("_VISIBLE_DEVICES") || name == "ZE_AFFINITY_MASK") names.push_back(name);
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

Machine::Machine(Options options) : options_(std::move(options)), host_(options_.sysfs_root) {}

void Machine::add_nvidia(model::Inventory& inventory, const Breadcrumb& begin,
                         const SkipList& skip) {
  nvidia_count_.reset();
  nvidia_listed_ = 0;
  if (skip.contains("nvidia")) {
    inventory.hints.emplace_back("the NVIDIA driver does not answer and is left alone for now");
    return;
  }
  if (nvidia_ == nullptr) {
    begin("nvidia");
    auto opened = nvml::NvmlBackend::open(options_.nvml_library, options_.sysfs_root);
    if (!opened) {
      const auto cards = nvidia_pci_devices(options_.sysfs_root);
      if (!cards.empty()) {
        inventory.hints.push_back(
            "an NVIDIA GPU is on the PCI bus (" + base::join(cards, ", ") +
            ") but its driver is not installed: " + opened.error().message +
            "; on Debian install the packages nvidia-driver and libnvidia-ml1 "
            "(component non-free)");
      } else if (!options_.nvml_library.empty()) {
        inventory.hints.push_back(opened.error().message);
      }
      return;
    }
    nvidia_ = std::move(*opened);
  }
  auto listed = nvidia_->enumerate(begin, skip);
  if (!listed) {
    inventory.hints.push_back(listed.error().message);
    return;
  }
  nvidia_count_ = nvidia_->count();
  nvidia_listed_ = static_cast<int>(
      std::count_if(listed->devices.begin(), listed->devices.end(),
                    [](const model::Device& device) { return !device.mig.has_value(); }));
  inventory.driver_version = listed->driver_version;
  inventory.cuda_version = listed->cuda_version;
  std::move(listed->devices.begin(), listed->devices.end(), std::back_inserter(inventory.devices));
  std::move(listed->hints.begin(), listed->hints.end(), std::back_inserter(inventory.hints));
}

model::Inventory Machine::enumerate(const Breadcrumb& begin, const SkipList& skip) {
  model::Inventory inventory;
  begin("inventory");
  add_nvidia(inventory, begin, skip);
  for (auto& gpu : inventory.devices) {
    if (skip.contains(gpu.id.value)) continue;
    begin(gpu.id.value);
    gpu.nodes = nodes_of(gpu, options_.sysfs_root);
    gpu.numa_node = numa_node_of(gpu, options_.sysfs_root);
  }
  link_by_numa_node(inventory.devices);
  begin("inventory");
  if (auto listed = host_.enumerate(begin, skip)) {
    std::move(listed->devices.begin(), listed->devices.end(),
              std::back_inserter(inventory.devices));
  }
  return inventory;
}

model::Sample Machine::sample(const model::Device& device, const Scope& scope) {
  if (device.vendor == model::Vendor::kCpu) return host_.sample(device.id, scope);
  if (nvidia_ != nullptr && device.vendor == model::Vendor::kNvidia)
    return nvidia_->sample(device.id, scope);
  model::Sample sample;
  sample.device = device.id;
  sample.health = model::Health::kLost;
  sample.health_reason = "no driver is open for this device";
  return sample;
}

bool Machine::count_changed() {
  return nvidia_ != nullptr && nvidia_count_ &&
         (nvidia_->count() != nvidia_count_ || nvidia_->instances_changed());
}

void Machine::reopen() {
  // An error shows again, as a hint, in the enumerate() that follows.
  if (nvidia_ != nullptr) static_cast<void>(nvidia_->reopen());
}

model::Inventory read_inventory(const Options& options) {
  return Machine(options).enumerate([](std::string_view) {}, {});
}

Readout read_samples(const Options& options) {
  Machine machine(options);
  Readout readout;
  readout.inventory = machine.enumerate([](std::string_view) {}, {});
  for (const model::Device& device : readout.inventory.devices) {
    readout.samples.push_back(machine.sample(device, Scope{}));
  }
  return readout;
}

}  // namespace berth::device
