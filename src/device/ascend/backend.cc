// SPDX-License-Identifier: Apache-2.0
#include "device/ascend/backend.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "base/phrase.h"
#include "base/text.h"
#include "base/time.h"
#include "device/listed_processes.h"
#include "model/device_words.h"
#include "model/pci.h"

namespace berth::device::ascend {

namespace {

namespace words = model::words;

base::Bytes mebibytes(std::uint64_t count) {
  return base::Bytes{static_cast<std::int64_t>(count) << 20};
}

template <std::size_t N>
std::string text_of(const unsigned char (&field)[N]) {
  std::string text(N, '\0');
  std::memcpy(text.data(), field, N);
  return base::to_utf8(base::trim(text.substr(0, text.find('\0'))));
}

/// Of dcmi_get_device_health.
constexpr unsigned kAlarm = 2;     // important: what runs may be wrong
constexpr unsigned kCritical = 3;  // the chip is to be replaced
constexpr unsigned kGone = 0xFFFFFFFFU;

}  // namespace

base::Result<std::unique_ptr<Backend>> AscendBackend::open(const std::string& library,
                                                           const std::string& root) {
  auto opened = Library::open(library);
  if (!opened) return base::fail(opened.error());
  return std::unique_ptr<Backend>(new AscendBackend(std::move(*opened), root));
}

base::Status AscendBackend::start() {
  if (started_) return {};
  const int code = library_->functions().init();
  if (code != kOk) {
    return base::fail(base::ErrorCode::kUnavailable,
                      base::fill(words::kAscendUnusable, {std::to_string(code)}));
  }
  started_ = true;
  return {};
}

std::optional<std::vector<AscendBackend::Chip>> AscendBackend::chips() const {
  const Functions& f = library_->functions();
  std::array<int, kMostCards> cards{};
  int count = 0;
  if (f.cards(&count, cards.data(), kMostCards) != kOk) return std::nullopt;
  std::vector<Chip> found;
  for (int i = 0; i < std::clamp(count, 0, kMostCards); ++i) {
    const int card = cards.at(static_cast<std::size_t>(i));
    int on_card = 0;
    if (f.chips_on(card, &on_card) != kOk) continue;
    for (int chip = 0; chip < std::clamp(on_card, 0, kMostChips); ++chip)
      found.push_back({card, chip});
  }
  return found;
}

/// Programs number chips by the driver's logical ids, and so must we: ASCEND_RT_VISIBLE_DEVICES
/// takes nothing else.
model::Device AscendBackend::identify(const Chip& chip, int position) const {
  const Functions& f = library_->functions();
  model::Device device;
  device.vendor = model::Vendor::kAscend;
  DieId die{};
  if (f.die != nullptr && f.die(chip.card, chip.number, kVectorDie, &die) == kOk &&
      std::any_of(std::begin(die.words), std::end(die.words),
                  [](auto word) { return word != 0; })) {
    std::string id = "NPU-";
    for (const auto word : die.words) {
      char text[16];
      std::snprintf(text, sizeof text, "%08x", word);
      id += text;
    }
    device.id = model::DeviceId(id);
  } else {
    device.id = model::DeviceId("NPU-card" + std::to_string(chip.card) + "-chip" +
                                std::to_string(chip.number));
  }
  int logical = -1;
  const bool told = f.logical_id != nullptr &&
                    f.logical_id(&logical, chip.card, chip.number) == kOk && logical >= 0;
  device.index = told ? logical : position;
  device.name = "npu:" + std::to_string(device.index);
  PcieInfo pcie{};
  if (f.pcie_info != nullptr && f.pcie_info(chip.card, chip.number, &pcie) == kOk) {
    device.pci_bus_id = to_text(model::PciAddress{static_cast<unsigned>(std::max(0, pcie.domain)),
                                                  pcie.bus, pcie.device_number, pcie.function});
  }
  return device;
}

void AscendBackend::describe(const Chip& chip, model::Device& device) const {
  const Functions& f = library_->functions();
  ChipInfo info{};
  device.model = "Ascend NPU";
  if (f.chip_info != nullptr && f.chip_info(chip.card, chip.number, &info) == kOk) {
    const std::string name = text_of(info.name);
    // "910B3", of the type "Ascend".
    if (!name.empty()) device.model = name.starts_with("Ascend") ? name : "Ascend " + name;
  }
  model::Sample memory;
  read_memory(chip, memory);
  device.total_memory = memory.total_memory;
}

base::Result<model::Inventory> AscendBackend::enumerate(const Breadcrumb& begin,
                                                        const SkipList& skip) {
  model::Inventory inventory;
  const auto before = std::move(npus_);
  npus_.clear();
  listed_.clear();
  begin("ascend");
  if (auto started = start(); !started) return base::fail(started.error());
  auto found = chips();
  if (!found) {
    return base::fail(base::ErrorCode::kUnavailable, std::string(words::kAscendUnlisted));
  }
  listed_ = std::move(*found);
  std::array<char, 64> version{};
  const Functions& f = library_->functions();
  if (f.driver_version != nullptr &&
      f.driver_version(version.data(), static_cast<unsigned>(version.size())) == kOk) {
    inventory.driver_version = std::string(base::trim(std::string(version.data())));
  }
  for (std::size_t i = 0; i < listed_.size(); ++i) {
    const Chip& chip = listed_[i];
    const std::string key = "ascend:" + std::to_string(i);
    if (skip.contains(key)) {
      inventory.hints.push_back(base::fill(
          words::kChipLeftAlone, {std::to_string(chip.number), std::to_string(chip.card)}));
      continue;
    }
    begin(key);
    model::Device device = identify(chip, static_cast<int>(i));
    Npu npu{chip, !skip.contains(device.id.value), {}};
    if (npu.readable) {
      begin(device.id.value);
      describe(chip, device);
    }
    if (const auto place = before.find(device.id); place != before.end())
      npu.last = place->second.last;
    npus_.insert_or_assign(device.id, std::move(npu));
    inventory.devices.push_back(std::move(device));
  }
  std::sort(inventory.devices.begin(), inventory.devices.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  return inventory;
}

std::optional<int> AscendBackend::count() {
  const auto found = started_ ? chips() : std::nullopt;
  return found ? std::optional(static_cast<int>(found->size())) : std::nullopt;
}

bool AscendBackend::devices_changed() {
  const auto found = started_ ? chips() : std::nullopt;
  return found && *found != listed_;
}

base::Status AscendBackend::reopen() {
  started_ = false;  // there is no call that ends a session; another init finds what has come back
  return start();
}

model::Sample AscendBackend::sample(const model::DeviceId& id, const Scope& scope) {
  model::Sample sample;
  const auto place = npus_.find(id);
  if (place != npus_.end() && !place->second.readable) return place->second.last;
  if (place != npus_.end()) sample = place->second.last;  // repeats what is out of scope
  sample.device = id;
  sample.health = model::Health::kHealthy;
  sample.health_reason.clear();
  if (place == npus_.end()) {
    sample.health = model::Health::kLost;
    sample.health_reason = words::kNotListed;
  } else {
    read_health(place->second.chip, sample);
  }
  if (sample.health == model::Health::kLost) {
    model::Sample lost;
    lost.device = id;
    lost.health = sample.health;
    lost.health_reason = sample.health_reason;
    sample = std::move(lost);
  } else {
    const Chip& chip = place->second.chip;
    read_memory(chip, sample);
    read_values(chip, sample);
    if (scope.processes) read_processes(chip, sample, scope.costly);
  }
  sample.taken = base::now();
  if (place != npus_.end()) place->second.last = sample;
  return sample;
}

void AscendBackend::read_health(const Chip& chip, model::Sample& sample) const {
  const Functions& f = library_->functions();
  unsigned level = 0;
  if (f.health == nullptr || f.health(chip.card, chip.number, &level) != kOk) return;
  if (level == kGone) {
    sample.health = model::Health::kLost;
    sample.health_reason = words::kChipGone;
  } else if (level == kAlarm || level == kCritical) {
    sample.health = model::Health::kFailed;
    sample.health_reason = level == kAlarm ? words::kImportantAlarm : words::kCriticalAlarm;
  }
}

void AscendBackend::read_memory(const Chip& chip, model::Sample& sample) const {
  const Functions& f = library_->functions();
  sample.total_memory = sample.used_memory = sample.free_memory = std::nullopt;
  HbmInfo hbm{};
  if (f.hbm != nullptr && f.hbm(chip.card, chip.number, &hbm) == kOk && hbm.size > 0) {
    sample.total_memory = mebibytes(hbm.size);
    sample.used_memory = mebibytes(std::min(hbm.used, hbm.size));
    sample.memory_utilization_percent = static_cast<int>(std::min(hbm.bandwidth_percent, 100U));
    sample.memory_temperature_c = hbm.temperature;
    sample.memory_clock_mhz = static_cast<int>(hbm.mhz);
  } else if (MemoryInfo memory{}; f.memory != nullptr &&
                                  f.memory(chip.card, chip.number, &memory) == kOk &&
                                  memory.size > 0) {
    sample.total_memory = mebibytes(memory.size);
    sample.used_memory = mebibytes(memory.size - std::min(memory.available, memory.size));
    sample.memory_clock_mhz = static_cast<int>(memory.mhz);
  }
  if (sample.total_memory) sample.free_memory = *sample.total_memory - *sample.used_memory;
}

void AscendBackend::read_values(const Chip& chip, model::Sample& sample) const {
  const Functions& f = library_->functions();
  unsigned percent = 0;
  const bool loaded = f.utilization != nullptr &&
                      f.utilization(chip.card, chip.number, kAiCore, &percent) == kOk &&
                      percent <= 100;
  sample.utilization_percent = loaded ? std::optional(static_cast<int>(percent)) : std::nullopt;
  int value = 0;
  const bool warm =
      f.temperature != nullptr && f.temperature(chip.card, chip.number, &value) == kOk;
  sample.temperature_c = warm ? std::optional(value) : std::nullopt;
  const bool powered = f.power != nullptr && f.power(chip.card, chip.number, &value) == kOk;
  sample.power_w = powered ? std::optional(value / 10.0) : std::nullopt;
}

void AscendBackend::read_processes(const Chip& chip, model::Sample& sample, bool verify) {
  const Functions& f = library_->functions();
  std::array<ProcessMemory, kMostProcesses> list{};
  int count = kMostProcesses;
  if (f.processes == nullptr || f.processes(chip.card, chip.number, list.data(), &count) != kOk) {
    sample.processes.reset();
    return;
  }
  std::map<int, model::DeviceProcess> found;
  for (int i = 0; i < std::clamp(count, 0, kMostProcesses); ++i) {
    const ProcessMemory& entry = list.at(static_cast<std::size_t>(i));
    model::DeviceProcess& process = found[entry.pid];
    process.type = "C";
    process.used_memory = base::Bytes{static_cast<std::int64_t>(entry.bytes)};
  }
  sample.processes = described(std::move(found), sample.processes, processes_, verify);
}

}  // namespace berth::device::ascend
