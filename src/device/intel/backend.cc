// SPDX-License-Identifier: Apache-2.0
#include "device/intel/backend.h"

#include <algorithm>

#include "base/phrase.h"
#include "base/time.h"
#include "device/listed_processes.h"
#include "device/pci_names.h"
#include "device/pcie.h"
#include "model/device_words.h"

namespace berth::device::intel {

namespace {

namespace words = model::words;

constexpr unsigned kIntel = 0x8086;

/// Graphics of the processor's own package sit on the first bus; cards have theirs behind a bridge.
bool integrated(const drm::Card& card) { return card.address.bus == 0; }

/// xe keeps clocks per tile, i915 per card.
std::string clock_file(const drm::Card& card, const char* xe, const char* i915) {
  return card.driver == "xe" ? card.device + "/tile0/gt0/freq0/" + xe : card.folder + '/' + i915;
}

}  // namespace

IntelBackend::IntelBackend(std::string library, std::string root,
                           std::shared_ptr<drm::FdinfoReader> fdinfo)
    : library_(std::move(library)),
      root_(root),
      fdinfo_(std::move(fdinfo)),
      processes_(std::move(root)) {}

std::vector<drm::Card> IntelBackend::cards() const {
  auto found = drm::cards(root_, kIntel);
  std::erase_if(found, [](const drm::Card& card) {
    return (card.driver != "i915" && card.driver != "xe") ||
           drm::read_number(card.device + "/enable") == 0;
  });
  return found;
}

std::map<model::PciAddress, Handle> IntelBackend::handles(model::Inventory& inventory) {
  std::string why;
  if (sysman_ == nullptr) {
    auto opened = Sysman::open(library_);
    if (opened) {
      sysman_ = std::move(*opened);
    } else {
      why = opened.error().message;
    }
  }
  if (sysman_ != nullptr) {
    if (auto found = sysman_->devices()) return std::move(*found);
    why = words::kLevelZeroSilent;
  }
  inventory.hints.push_back(base::fill(words::kIntelMemory, {why}));
  return {};
}

base::Result<model::Inventory> IntelBackend::enumerate(const Breadcrumb& begin,
                                                       const SkipList& skip) {
  model::Inventory inventory;
  const auto before = std::move(gpus_);
  gpus_.clear();
  begin("intel");
  listed_ = cards();
  // Level Zero starts slowly: not for the graphics of a processor, whose memory is the machine's.
  const bool own_memory = std::any_of(listed_.begin(), listed_.end(),
                                      [](const drm::Card& card) { return !integrated(card); });
  const auto known = own_memory ? handles(inventory) : std::map<model::PciAddress, Handle>{};
  for (const auto& card : listed_) {
    begin("intel:" + std::to_string(card.number));
    model::Device device = describe(card, static_cast<int>(inventory.devices.size()));
    Gpu gpu;
    gpu.card = card;
    gpu.readable = !skip.contains(device.id.value);
    if (gpu.readable) {
      begin(device.id.value);
      gpu.hwmon = drm::hwmon_folder(card.device);
      if (const auto place = known.find(card.address); place != known.end())
        gpu.handle = place->second;
      model::Sample memory;
      read_memory(gpu, memory);
      device.total_memory = memory.total_memory;
    } else {
      device.model.clear();
    }
    if (const auto place = before.find(device.id); place != before.end())
      gpu.last = place->second.last;
    gpus_.insert_or_assign(device.id, std::move(gpu));
    inventory.devices.push_back(std::move(device));
  }
  return inventory;
}

model::Device IntelBackend::describe(const drm::Card& card, int index) const {
  model::Device device;
  device.vendor = model::Vendor::kIntel;
  device.id = model::DeviceId("PCI-" + to_text(card.address));
  device.index = index;
  device.name = "xpu:" + std::to_string(index);
  device.pci_bus_id = to_text(card.address);
  device.model = "Intel " + pci_name(root_, card.vendor, card.product)
                                .value_or("GPU " + pci_ids(card.vendor, card.product));
  device.max_clock_mhz =
      drm::narrow(drm::read_number(clock_file(card, "max_freq", "gt_max_freq_mhz")));
  if (integrated(card)) device.no_tasks = words::kIntegrated;
  return device;
}

std::optional<int> IntelBackend::count() { return static_cast<int>(cards().size()); }

bool IntelBackend::devices_changed() { return cards() != listed_; }

base::Status IntelBackend::reopen() {
  sysman_.reset();
  for (auto& [id, gpu] : gpus_) gpu.handle = nullptr;
  return {};
}

model::Sample IntelBackend::sample(const model::DeviceId& id, const Scope& scope) {
  model::Sample sample;
  const auto place = gpus_.find(id);
  if (place != gpus_.end() && !place->second.readable) return place->second.last;
  if (place != gpus_.end()) sample = place->second.last;  // repeats what is out of scope
  sample.device = id;
  sample.health = model::Health::kHealthy;
  sample.health_reason.clear();
  const bool there =
      place != gpus_.end() && drm::read_text(place->second.card.device + "/vendor").has_value();
  if (there) read_memory(place->second, sample);
  if (!there || sample.health == model::Health::kLost) {
    sample = {};
    sample.device = id;
    sample.health = model::Health::kLost;
    sample.health_reason = there ? words::kLevelZeroLost : words::kNotInKernel;
  } else {
    Gpu& gpu = place->second;
    read_cheap(gpu, sample);
    if (scope.costly) {
      read_costly(gpu, sample);
      sample.pcie = current_pcie_link(root_, gpu.card.address);
    }
    if (scope.processes) read_processes(gpu, sample, scope.costly);
  }
  sample.taken = base::now();
  if (place != gpus_.end()) place->second.last = sample;
  return sample;
}

void IntelBackend::read_memory(const Gpu& gpu, model::Sample& sample) const {
  sample.total_memory = sample.used_memory = sample.free_memory = std::nullopt;
  if (sysman_ == nullptr || gpu.handle == nullptr) return;
  if (const auto memory = sysman_->memory(gpu.handle)) {
    sample.total_memory = memory->total;
    sample.free_memory = memory->free;
    sample.used_memory = memory->total - memory->free;
  } else if (sysman_->lost()) {
    sample.health = model::Health::kLost;
  }
}

void IntelBackend::read_cheap(Gpu& gpu, model::Sample& sample) {
  const auto package = drm::read_hwmon(gpu.hwmon, "temp", {"pkg"});  // xe; i915 labels nothing
  sample.temperature_c =
      drm::narrow(package ? package : drm::read_number(gpu.hwmon + "/temp1_input"), 1000);
  const auto now = Clock::now();
  const auto microjoules = drm::read_number(gpu.hwmon + "/energy1_input");
  sample.energy_mj = microjoules ? std::optional(*microjoules / 1000) : std::nullopt;
  sample.power_w.reset();
  const double seconds = std::chrono::duration<double>(now - gpu.read).count();
  // The counter starts anew when it is full.
  if (microjoules && gpu.microjoules && *microjoules >= *gpu.microjoules && seconds > 0)
    sample.power_w = static_cast<double>(*microjoules - *gpu.microjoules) / 1e6 / seconds;
  gpu.microjoules = microjoules;
  gpu.read = now;
}

void IntelBackend::read_costly(const Gpu& gpu, model::Sample& sample) {
  sample.memory_temperature_c = drm::narrow(drm::read_hwmon(gpu.hwmon, "temp", {"vram"}), 1000);
  sample.clock_mhz =
      drm::narrow(drm::read_number(clock_file(gpu.card, "cur_freq", "gt_cur_freq_mhz")));
  sample.power_limit_w.reset();
  for (const char* file : {"/power1_max", "/power1_rated_max", "/power1_crit"}) {
    const auto limit = drm::watts(drm::read_number(gpu.hwmon + file));
    if (!sample.power_limit_w && limit && *limit > 0) sample.power_limit_w = limit;  // 0: none
  }
}

void IntelBackend::read_processes(const Gpu& gpu, model::Sample& sample, bool all) {
  fdinfo_->look(all, drm::FdinfoReader::Clock::now());
  std::map<int, model::DeviceProcess> found;
  for (const auto& use : fdinfo_->on(gpu.card.address)) {
    model::DeviceProcess& process = found[use.pid];
    process.type = "C+G";  // the kernel does not tell one from the other
    process.used_memory = use.memory;
    process.utilization_percent = use.percent;
  }
  const auto told =
      sysman_ != nullptr && gpu.handle != nullptr ? sysman_->processes(gpu.handle) : std::nullopt;
  for (const auto& [pid, memory] : told.value_or(std::map<int, base::Bytes>{})) {
    model::DeviceProcess& process = found[pid];
    process.type = "C+G";
    process.used_memory = std::max(process.used_memory, std::optional(memory));
  }
  sample.processes = described(std::move(found), sample.processes, processes_, all);
  sample.utilization_percent = fdinfo_->busy(gpu.card.address);
}

}  // namespace berth::device::intel
