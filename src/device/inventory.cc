// SPDX-License-Identifier: Apache-2.0
#include "device/inventory.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>

#include "base/phrase.h"
#include "base/text.h"
#include "base/time.h"
#include "device/amd/backend.h"
#include "device/ascend/backend.h"
#include "device/gpu_nodes.h"
#include "device/intel/backend.h"
#include "device/nvml/backend.h"
#include "device/pci_names.h"
#include "device/pcie.h"
#include "model/device_words.h"
#include "model/pci.h"

namespace berth::device {

namespace {

namespace words = model::words;

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

unsigned pci_id(model::Vendor vendor) {
  switch (vendor) {
    case model::Vendor::kNvidia:
      return 0x10de;
    case model::Vendor::kAmd:
      return 0x1002;
    case model::Vendor::kIntel:
      return 0x8086;
    case model::Vendor::kAscend:
      return 0x19e5;
    case model::Vendor::kCpu:
      break;
  }
  return 0;
}

/// Drivers that give a card to a virtual machine, or that no program computes with.
bool is_foreign(std::string_view driver) {
  constexpr std::array kForeign{"vfio-pci", "pci-stub", "xen-pciback", "nouveau", "radeon"};
  return std::find(kForeign.begin(), kForeign.end(), driver) != kForeign.end();
}

}  // namespace

void clear_visible_devices() {
  std::vector<std::string> names;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string name(text.substr(0, text.find('=')));
    if (name.ends_with("_VISIBLE_DEVICES") || name == "ZE_AFFINITY_MASK") names.push_back(name);
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

Machine::Machine(Options options) : options_(std::move(options)), host_(options_.sysfs_root) {
  const auto fdinfo = std::make_shared<drm::FdinfoReader>(options_.sysfs_root);
  parts_.push_back({model::Vendor::kNvidia, [this]() -> base::Result<std::unique_ptr<Backend>> {
                      auto opened =
                          nvml::NvmlBackend::open(options_.nvml_library, options_.sysfs_root);
                      if (!opened) return base::fail(opened.error());
                      return std::unique_ptr<Backend>(std::move(*opened));
                    }});
  parts_.push_back(
      {model::Vendor::kAmd, [this, fdinfo]() -> base::Result<std::unique_ptr<Backend>> {
         return std::make_unique<amd::AmdBackend>(options_.amd_smi_library, options_.sysfs_root,
                                                  fdinfo);
       }});
  parts_.push_back(
      {model::Vendor::kIntel, [this, fdinfo]() -> base::Result<std::unique_ptr<Backend>> {
         return std::make_unique<intel::IntelBackend>(options_.level_zero_library,
                                                      options_.sysfs_root, fdinfo);
       }});
  parts_.push_back(
      {model::Vendor::kAscend,
       [this] { return ascend::AscendBackend::open(options_.dcmi_library, options_.sysfs_root); }});
}

std::vector<PciGpu> Machine::cards_of(model::Vendor vendor) const {
  std::vector<PciGpu> found;
  std::copy_if(cards_.begin(), cards_.end(), std::back_inserter(found),
               [&](const PciGpu& card) { return card.vendor == pci_id(vendor); });
  return found;
}

/// Why the driver's library could not be opened, where that is news.
std::string Machine::missing_driver(model::Vendor vendor, const base::Error& error) const {
  const bool nvidia = vendor == model::Vendor::kNvidia;
  const auto cards = cards_of(vendor);
  const bool named = !(nvidia ? options_.nvml_library : options_.dcmi_library).empty();
  if (cards.empty()) return named ? error.message : std::string();
  std::vector<std::string> places;
  for (const auto& card : cards) places.push_back(to_text(card.address));
  return base::fill(nvidia ? words::kNvidiaMissing : words::kAscendMissing,
                    {base::join(places, ", "), error.message});
}

/// What is on the bus but has another driver than its maker's, or none, comes after the others.
void Machine::add_driverless(const Part& part, model::Inventory& inventory) {
  int index = 0;
  for (const auto& device : inventory.devices) {
    if (device.vendor == part.vendor && !device.mig) index = std::max(index, device.index + 1);
  }
  for (const auto& card : cards_of(part.vendor)) {
    const bool driven = !card.driver.empty() && !is_foreign(card.driver);
    const bool listed = std::any_of(
        inventory.devices.begin(), inventory.devices.end(),
        [&](const auto& one) { return model::parse_pci(one.pci_bus_id) == card.address; });
    if (listed || (driven && part.backend != nullptr)) continue;
    model::Device device;
    device.vendor = part.vendor;
    device.id = model::DeviceId("PCI-" + to_text(card.address));
    device.index = index++;
    device.name = std::string(device_prefix(part.vendor)) + ':' + std::to_string(device.index);
    device.pci_bus_id = to_text(card.address);
    device.model = std::string(maker(part.vendor)) + ' ' +
                   pci_name(options_.sysfs_root, card.vendor, card.product)
                       .value_or("GPU " + pci_ids(card.vendor, card.product));
    device.no_tasks = base::fill(card.driver.empty() ? words::kNoDriver
                                 : driven            ? words::kNoLibrary
                                                     : words::kOtherDriver,
                                 {card.driver});
    driverless_.insert(device.id);
    inventory.devices.push_back(std::move(device));
  }
}

void Machine::add(Part& part, model::Inventory& inventory, const Breadcrumb& begin,
                  const SkipList& skip) {
  const std::string name(to_text(part.vendor));
  part.count.reset();
  part.listed = 0;
  // NVIDIA's may be there though the bus cannot be seen.
  part.awaited = part.vendor == model::Vendor::kNvidia || !cards_of(part.vendor).empty();
  if (skip.contains(name)) {
    inventory.hints.push_back(
        base::fill(words::kDriverLeftAlone, {std::string(maker(part.vendor))}));
    return;
  }
  // Looking for a library costs more than looking at the bus.
  if (part.vendor == model::Vendor::kAscend && part.backend == nullptr && !part.awaited &&
      options_.dcmi_library.empty())
    return;
  if (part.backend == nullptr) {
    begin(name);
    auto opened = part.open();
    if (!opened) {
      if (auto hint = missing_driver(part.vendor, opened.error()); !hint.empty())
        inventory.hints.push_back(std::move(hint));
      return;
    }
    part.backend = std::move(*opened);
  }
  auto listed = part.backend->enumerate(begin, skip);
  if (!listed) {
    inventory.hints.push_back(listed.error().message);
    return;
  }
  part.count = part.backend->count();
  part.listed = static_cast<int>(
      std::count_if(listed->devices.begin(), listed->devices.end(),
                    [](const model::Device& device) { return !device.mig.has_value(); }));
  if (!inventory.driver_version) inventory.driver_version = listed->driver_version;
  if (listed->cuda_version) inventory.cuda_version = listed->cuda_version;
  std::move(listed->devices.begin(), listed->devices.end(), std::back_inserter(inventory.devices));
  std::move(listed->hints.begin(), listed->hints.end(), std::back_inserter(inventory.hints));
}

void Machine::add_place(model::Device& gpu) const {
  if (options_.integrated_gpus) gpu.no_tasks.clear();
  gpu.nodes = nodes_of(gpu, options_.sysfs_root);
  gpu.numa_node = numa_node_of(gpu, options_.sysfs_root);
  if (const auto address = model::parse_pci(gpu.pci_bus_id))
    gpu.pcie = most_pcie_link(options_.sysfs_root, *address);
}

model::Inventory Machine::enumerate(const Breadcrumb& begin, const SkipList& skip) {
  model::Inventory inventory;
  begin("inventory");
  driverless_.clear();
  cards_ = pci_gpus(options_.sysfs_root);
  for (Part& part : parts_) {
    add(part, inventory, begin, skip);
    begin("inventory");
    if (!skip.contains(std::string(to_text(part.vendor)))) add_driverless(part, inventory);
  }
  for (auto& gpu : inventory.devices) {
    if (skip.contains(gpu.id.value)) continue;
    begin(gpu.id.value);
    add_place(gpu);
  }
  link_by_numa_node(inventory.devices);
  begin("inventory");
  if (auto listed = host_.enumerate(begin, skip)) {
    std::move(listed->devices.begin(), listed->devices.end(),
              std::back_inserter(inventory.devices));
  }
  return inventory;
}

Backend* Machine::backend_of(model::Vendor vendor) const {
  const auto part = std::find_if(parts_.begin(), parts_.end(),
                                 [&](const Part& one) { return one.vendor == vendor; });
  return part == parts_.end() ? nullptr : part->backend.get();
}

model::Sample Machine::sample(const model::Device& device, const Scope& scope) {
  if (device.vendor == model::Vendor::kCpu) return host_.sample(device.id, scope);
  if (driverless_.contains(device.id)) {
    model::Sample sample;
    sample.device = device.id;
    sample.taken = base::now();
    sample.health = model::Health::kFailed;
    sample.health_reason = device.no_tasks;
    return sample;
  }
  if (Backend* backend = backend_of(device.vendor)) return backend->sample(device.id, scope);
  model::Sample sample;
  sample.device = device.id;
  sample.health = model::Health::kLost;
  sample.health_reason = words::kNoDriverOpen;
  return sample;
}

bool Machine::devices_changed(const Breadcrumb& begin, const SkipList& skip) {
  bool changed = false;
  for (const Part& part : parts_) {
    const auto name = to_text(part.vendor);
    if (part.backend == nullptr || !part.count || skip.contains(name)) continue;
    begin(name);
    changed = changed || part.backend->count() != part.count || part.backend->devices_changed();
  }
  return changed;
}

bool Machine::incomplete() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.backend == nullptr ? part.awaited : part.count.value_or(-1) != part.listed;
  });
}

void Machine::reopen(const Breadcrumb& begin, const SkipList& skip) {
  for (const Part& part : parts_) {
    const auto name = to_text(part.vendor);
    if (part.backend == nullptr || skip.contains(name)) continue;
    begin(name);
    // An error shows again, as a hint, in the enumerate() that follows.
    static_cast<void>(part.backend->reopen());
  }
}

model::Inventory read_inventory(const Options& options) { return Machine(options).enumerate(); }

Readout read_samples(const Options& options) {
  Machine machine(options);
  Readout readout;
  readout.inventory = machine.enumerate();
  for (const model::Device& device : readout.inventory.devices) {
    readout.samples.push_back(machine.sample(device, Scope{}));
  }
  return readout;
}

}  // namespace berth::device
