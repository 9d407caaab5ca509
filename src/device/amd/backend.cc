// SPDX-License-Identifier: Apache-2.0
#include "device/amd/backend.h"

#include <algorithm>

#include "base/fd.h"
#include "base/text.h"
#include "base/time.h"
#include "device/amd/gpu_metrics.h"
#include "device/listed_processes.h"
#include "device/pci_names.h"
#include "device/pcie.h"
#include "model/device_words.h"

namespace berth::device::amd {

namespace {

constexpr unsigned kAmd = 0x1002;
// What is begun and left alone for itself: a library that hangs takes no GPU with it.
constexpr const char* kLibrary = "amd:smi";

std::optional<base::Bytes> bytes(std::optional<std::int64_t> number) {
  return number ? std::optional(base::Bytes{*number}) : std::nullopt;
}

/// As ROCr names it, which is what ROCR_VISIBLE_DEVICES takes; by its place where it has no number
/// of its own (APUs, old boards).
model::DeviceId id_of(const drm::Card& card) {
  const auto unique = drm::read_text(card.device + "/unique_id");
  if (unique && !unique->empty() && unique->find_first_not_of('0') != std::string::npos)
    return model::DeviceId("GPU-" + base::lower(*unique));
  return model::DeviceId("PCI-" + to_text(card.address));
}

std::string with_maker(const std::string& name) {
  return name.starts_with("AMD") ? name : "AMD " + name;
}

const KfdNode* node_at(const std::vector<KfdNode>& nodes, const model::PciAddress& address) {
  const auto place = std::find_if(nodes.begin(), nodes.end(),
                                  [&](const auto& node) { return node.address == address; });
  return place == nodes.end() ? nullptr : &*place;
}

void link(std::vector<model::Device>& devices, const std::vector<const KfdNode*>& nodes) {
  for (std::size_t from = 0; from < devices.size(); ++from) {
    for (std::size_t to = 0; nodes[from] != nullptr && to < devices.size(); ++to) {
      if (to == from || nodes[to] == nullptr) continue;
      const auto links = nodes[from]->xgmi.find(nodes[to]->number);
      if (links == nodes[from]->xgmi.end()) continue;
      devices[from].links.push_back({devices[to].id, model::Closeness::kNvLink, links->second});
    }
  }
}

/// "ue: 0\nce: 3" of ras/umc_err_count.
std::optional<std::int64_t> memory_errors(const drm::Card& card, std::string_view kind) {
  return drm::read_number(card.device + "/ras/umc_err_count", kind);
}

}  // namespace

AmdBackend::AmdBackend(std::string library, std::string root,
                       std::shared_ptr<drm::FdinfoReader> fdinfo)
    : library_(std::move(library)),
      root_(root),
      fdinfo_(std::move(fdinfo)),
      processes_(std::move(root)) {}

std::vector<drm::Card> AmdBackend::cards() const {
  auto found = drm::cards(root_, kAmd);
  std::erase_if(found, [](const drm::Card& card) { return card.driver != "amdgpu"; });
  return found;
}

/// Without it, or where it does not start, sysfs tells nearly all: that is worth a hint only where
/// a library was asked for by name.
std::map<model::PciAddress, Smi::Handle> AmdBackend::start_library(const Breadcrumb& begin,
                                                                   const SkipList& skip,
                                                                   model::Inventory& inventory) {
  if (listed_.empty() && smi_ == nullptr) return {};
  begin(kLibrary);
  const bool skipped = skip.contains(kLibrary);
  if (skipped || std::exchange(smi_outdated_, false)) smi_.reset();
  if (skipped) inventory.hints.emplace_back(model::words::kAmdSmiLeftAlone);
  if (skipped) return {};
  if (smi_ == nullptr) {
    auto opened = Smi::open(library_);
    if (!opened) {
      if (!library_.empty()) inventory.hints.push_back(opened.error().message);
      return {};
    }
    smi_ = std::move(*opened);
  }
  return smi_->gpus();
}

base::Result<model::Inventory> AmdBackend::enumerate(const Breadcrumb& begin,
                                                     const SkipList& skip) {
  model::Inventory inventory;
  const auto before = std::move(gpus_);
  gpus_.clear();
  begin("amd");
  auto found = cards();
  smi_outdated_ = smi_outdated_ || found != listed_;
  listed_ = std::move(found);
  const auto handles = start_library(begin, skip, inventory);
  begin("amd");
  const auto nodes = listed_.empty() ? std::vector<KfdNode>{} : kfd_nodes(root_);
  std::vector<const KfdNode*> of_devices;
  for (const auto& card : listed_) {
    begin("amd:" + std::to_string(card.number));
    model::Device device;
    device.vendor = model::Vendor::kAmd;
    device.id = id_of(card);
    device.index = static_cast<int>(inventory.devices.size());
    device.name = "rocm:" + std::to_string(device.index);
    device.pci_bus_id = to_text(card.address);
    const KfdNode* node = node_at(nodes, card.address);
    Gpu gpu;
    gpu.card = card;
    gpu.readable = !skip.contains(device.id.value);
    if (gpu.readable) {
      begin(device.id.value);
      if (const auto place = handles.find(card.address); place != handles.end())
        gpu.handle = place->second;
      describe(gpu, node, device);
    }
    if (const auto place = before.find(device.id); place != before.end()) {
      gpu.last = place->second.last;
      gpu.residency = place->second.residency;
    }
    gpus_.insert_or_assign(device.id, std::move(gpu));
    inventory.devices.push_back(std::move(device));
    of_devices.push_back(node);
  }
  link(inventory.devices, of_devices);
  return inventory;
}

void AmdBackend::describe(Gpu& gpu, const KfdNode* node, model::Device& device) const {
  device.model = model_of(gpu);
  gpu.hwmon = drm::hwmon_folder(gpu.card.device);
  gpu.kfd_id = node != nullptr ? node->gpu_id : "";
  gpu.shares_memory = node != nullptr && node->shares_memory;
  model::Sample memory;
  read_memory(gpu, memory);
  device.total_memory = memory.total_memory;
  if (gpu.shares_memory) device.no_tasks = model::words::kIntegratedSharing;
  if (node == nullptr) return;
  device.max_clock_mhz = node->max_clock_mhz;
  device.compute_capability = node->architecture;
}

std::string AmdBackend::model_of(const Gpu& gpu) const {
  const drm::Card& card = gpu.card;
  if (const auto name = drm::read_text(card.device + "/product_name"); name && !name->empty())
    return with_maker(*name);
  const auto sold_as =
      smi_ != nullptr && gpu.handle != nullptr ? smi_->market_name(gpu.handle) : std::nullopt;
  if (sold_as) return with_maker(*sold_as);
  if (const auto name = pci_name(root_, card.vendor, card.product)) return "AMD " + *name;
  return "AMD GPU " + pci_ids(card.vendor, card.product);
}

std::optional<int> AmdBackend::count() { return static_cast<int>(cards().size()); }

bool AmdBackend::devices_changed() { return cards() != listed_; }

/// Closing the library may hang too: enumerate(), which follows, does it under the library's key.
base::Status AmdBackend::reopen() {
  smi_outdated_ = true;
  return {};
}

model::Sample AmdBackend::sample(const model::DeviceId& id, const Scope& scope) {
  model::Sample sample;
  const auto place = gpus_.find(id);
  if (place != gpus_.end() && !place->second.readable) return place->second.last;
  if (place != gpus_.end()) sample = place->second.last;  // repeats what is out of scope
  sample.device = id;
  sample.health = model::Health::kHealthy;
  sample.health_reason.clear();
  if (place == gpus_.end() || !drm::read_text(place->second.card.device + "/vendor")) {
    sample = {};
    sample.device = id;
    sample.health = model::Health::kLost;
    sample.health_reason = model::words::kNotInKernel;
  } else {
    Gpu& gpu = place->second;
    read_memory(gpu, sample);
    read_cheap(gpu, sample);
    if (scope.costly) {
      read_costly(gpu, sample);
      read_metrics(gpu, sample);
      sample.pcie = current_pcie_link(root_, gpu.card.address);
    }
    if (scope.processes) read_processes(gpu, sample, scope.costly);
  }
  sample.taken = base::now();
  if (place != gpus_.end()) place->second.last = sample;
  return sample;
}

void AmdBackend::read_memory(const Gpu& gpu, model::Sample& sample) {
  const std::string stem = gpu.card.device + "/mem_info_";
  sample.total_memory = bytes(drm::read_number(stem + "vram_total"));
  sample.used_memory = bytes(drm::read_number(stem + "vram_used"));
  // An APU's own memory is a small part that the firmware set aside; programs get the rest from
  // what they share with the processors.
  if (gpu.shares_memory && sample.total_memory && sample.used_memory) {
    *sample.total_memory += base::Bytes{drm::read_number(stem + "gtt_total").value_or(0)};
    *sample.used_memory += base::Bytes{drm::read_number(stem + "gtt_used").value_or(0)};
  }
  sample.free_memory.reset();
  if (sample.total_memory && sample.used_memory)
    sample.free_memory = *sample.total_memory - *sample.used_memory;
}

void AmdBackend::read_cheap(const Gpu& gpu, model::Sample& sample) {
  sample.utilization_percent = drm::narrow(drm::read_number(gpu.card.device + "/gpu_busy_percent"));
  sample.memory_utilization_percent =
      drm::narrow(drm::read_number(gpu.card.device + "/mem_busy_percent"));
  sample.temperature_c =
      drm::narrow(drm::read_hwmon(gpu.hwmon, "temp", {"edge", "junction"}), 1000);
  const auto average = drm::read_number(gpu.hwmon + "/power1_average");
  sample.power_w = drm::watts(average ? average : drm::read_number(gpu.hwmon + "/power1_input"));
}

void AmdBackend::read_costly(const Gpu& gpu, model::Sample& sample) {
  sample.memory_temperature_c = drm::narrow(drm::read_hwmon(gpu.hwmon, "temp", {"mem"}), 1000);
  sample.power_limit_w = drm::watts(drm::read_number(gpu.hwmon + "/power1_cap"));
  sample.clock_mhz = drm::narrow(drm::read_hwmon(gpu.hwmon, "freq", {"sclk"}), 1'000'000);
  sample.memory_clock_mhz = drm::narrow(drm::read_hwmon(gpu.hwmon, "freq", {"mclk"}), 1'000'000);
  const auto fan = drm::read_number(gpu.hwmon + "/pwm1");
  sample.fan_percent = fan ? std::optional(static_cast<int>(*fan * 100 / 255)) : std::nullopt;
  sample.ecc_corrected = memory_errors(gpu.card, "ce");
  sample.ecc_uncorrected = memory_errors(gpu.card, "ue");
}

/// What AMD SMI tells beyond the files, and of what it does not, the table of the driver.
void AmdBackend::read_metrics(Gpu& gpu, model::Sample& sample) const {
  sample.throttle.reset();
  sample.energy_mj.reset();
  if (smi_ != nullptr && gpu.handle != nullptr) {
    if (const auto metrics = smi_->metrics(gpu.handle)) {
      sample.throttle = throttle_of(gpu, *metrics);
      if (!sample.memory_temperature_c) sample.memory_temperature_c = metrics->memory_temperature_c;
    }
    sample.energy_mj = smi_->energy_mj(gpu.handle);
  }
  if (sample.throttle) return;
  constexpr std::size_t kMost = 65536;
  if (const auto table = base::read_file(gpu.card.device + "/gpu_metrics", kMost))
    sample.throttle = amd::throttle_of(*table);
}

std::optional<Reasons> AmdBackend::throttle_of(Gpu& gpu, const Smi::Metrics& metrics) const {
  if (metrics.throttle_bits) return reasons_of(*metrics.throttle_bits);
  if (!metrics.residency) return std::nullopt;
  const auto before = std::exchange(gpu.residency, metrics.residency);
  if (before) return reasons_between(*before, *metrics.residency);
  // The first reading has none before it. Waiting for a second one is worth it only then: in a row
  // of GPUs every wait would delay all the others.
  const auto later = smi_->later_residency(gpu.handle);
  return later ? reasons_between(*metrics.residency, *later) : std::nullopt;
}

void AmdBackend::read_processes(const Gpu& gpu, model::Sample& sample, bool all) {
  fdinfo_->look(all, drm::FdinfoReader::Clock::now());
  std::map<int, model::DeviceProcess> found;
  for (const auto& use : fdinfo_->on(gpu.card.address)) {
    model::DeviceProcess& process = found[use.pid];
    process.type = "G";
    process.used_memory = use.memory;
    process.utilization_percent = use.percent;
  }
  const auto computing = gpu.kfd_id.empty() ? std::nullopt : kfd_processes(root_, gpu.kfd_id);
  for (const auto& [pid, memory] : computing.value_or(std::map<int, base::Bytes>{})) {
    model::DeviceProcess& process = found[pid];
    process.type = "C";
    // Both count the same memory, where both do.
    process.used_memory = std::max(process.used_memory, std::optional(memory));
  }
  sample.processes = described(std::move(found), sample.processes, processes_, all);
}

}  // namespace berth::device::amd
