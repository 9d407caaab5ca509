// SPDX-License-Identifier: Apache-2.0
#include "device/amd/smi.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

#include "base/phrase.h"
#include "device/amd/gpu_metrics.h"
#include "device/symbol.h"
#include "model/device_words.h"

namespace berth::device::amd {

namespace {

constexpr std::array kNames{"libamd_smi.so",    "libamd_smi.so.26", "libamd_smi.so.25",
                            "libamd_smi.so.24", "libamd_smi.so.23", "/opt/rocm/lib/libamd_smi.so"};
constexpr int kSuccess = 0;
constexpr std::uint64_t kGpusOnly = 1U << 1U;  // of amdsmi_init
constexpr std::uint32_t kMost = 1024;          // sockets, or processors on one

// Of the struct for amdsmi_get_gpu_metrics_info. It begins like the driver's table 1.3.
constexpr std::size_t kMemoryTemperature = 8, kThrottleBits = 112;
/// Where a struct has the counters of Residency.
struct Places {
  std::size_t cycles, processor_hot, power, socket_heat, regulator_heat, memory_heat;
};
constexpr Places kInMetrics{424, 432, 440, 448, 456, 464};
// Of the struct for amdsmi_get_violation_status, whose percentages and flags have moved.
constexpr Places kInViolations{16, 24, 32, 40, 48, 56};

/// Room for a struct of any release; the largest so far takes 6,016 bytes.
class Room {
 public:
  static constexpr std::size_t kRead = 512;  // no field that is read lies behind it

  /// `unset` is what a field reads as that the library does not write.
  explicit Room(char unset) { std::fill_n(bytes_.begin(), kRead, unset); }
  void* out() { return bytes_.data(); }
  [[nodiscard]] std::string_view text() const { return {bytes_.data(), kRead}; }

 private:
  alignas(std::max_align_t) std::array<char, 65536> bytes_{};
};
constexpr char kUnknown = '\xFF';

/// What a function of the form f(&count, list) lists.
template <class Call>
std::vector<Smi::Handle> handles_of(const Call& call) {
  std::uint32_t count = 0;
  if (call(&count, nullptr) != kSuccess || count == 0 || count > kMost) return {};
  std::vector<Smi::Handle> handles(count, nullptr);
  if (call(&count, handles.data()) != kSuccess) return {};
  handles.resize(std::min<std::size_t>(count, handles.size()));
  return handles;
}

/// The function in 3 bits, the device in 5, the bus in 8, the domain in the rest.
model::PciAddress address_of(std::uint64_t bits) {
  return {static_cast<unsigned>(bits >> 16U), static_cast<unsigned>(bits >> 8U) & 0xFFU,
          static_cast<unsigned>(bits >> 3U) & 0x1FU, static_cast<unsigned>(bits) & 0x7U};
}

/// The driver counts in 32 bits: its "not known" is one of those, widened.
std::optional<std::uint64_t> counter(std::string_view table, std::size_t offset) {
  const auto value = field<std::uint64_t>(table, offset);
  return value == std::numeric_limits<std::uint32_t>::max() ? std::nullopt : value;
}

std::optional<Residency> residency_in(std::string_view table, const Places& places) {
  const auto cycles = counter(table, places.cycles);
  if (!cycles) return std::nullopt;
  Residency residency;
  residency.cycles = *cycles;
  residency.processor_hot = counter(table, places.processor_hot);
  residency.power = counter(table, places.power);
  residency.socket_heat = counter(table, places.socket_heat);
  residency.regulator_heat = counter(table, places.regulator_heat);
  residency.memory_heat = counter(table, places.memory_heat);
  return residency;
}

}  // namespace

base::Result<std::unique_ptr<Smi>> Smi::open(const std::string& path) {
  auto handle = open_library(path.empty() ? kNames.front() : path);
  for (std::size_t i = 1; !handle && path.empty() && i < kNames.size(); ++i) {
    if (auto other = open_library(kNames[i])) handle = other;
  }
  if (!handle) return base::fail(handle.error());
  const std::string name = path.empty() ? kNames.front() : path;
  std::unique_ptr<Smi> smi(new Smi(*handle));
  smi->find_all();
  const Functions& f = smi->functions_;
  if (f.init == nullptr || f.sockets == nullptr || f.processors == nullptr ||
      f.pci_address == nullptr) {
    return base::fail(base::ErrorCode::kUnavailable, base::fill(model::words::kNoAmdSmi, {name}));
  }
  if (const int code = f.init(kGpusOnly); code != kSuccess) {
    return base::fail(base::ErrorCode::kUnavailable,
                      base::fill(model::words::kAmdSmiUnusable, {name, std::to_string(code)}));
  }
  smi->started_ = true;
  return smi;
}

Smi::~Smi() {
  if (started_ && functions_.shut_down != nullptr) static_cast<void>(functions_.shut_down());
  ::dlclose(library_);
}

void Smi::find_all() {
  Functions& f = functions_;
  find_symbol(library_, f.init, {"amdsmi_init"});
  find_symbol(library_, f.shut_down, {"amdsmi_shut_down"});
  find_symbol(library_, f.sockets, {"amdsmi_get_socket_handles"});
  find_symbol(library_, f.processors, {"amdsmi_get_processor_handles"});
  find_symbol(library_, f.pci_address, {"amdsmi_get_gpu_device_bdf"});
  find_symbol(library_, f.asic_info, {"amdsmi_get_gpu_asic_info"});
  find_symbol(library_, f.metrics, {"amdsmi_get_gpu_metrics_info"});
  find_symbol(library_, f.violations, {"amdsmi_get_violation_status"});
  find_symbol(library_, f.energy, {"amdsmi_get_energy_count"});
}

std::map<model::PciAddress, Smi::Handle> Smi::gpus() const {
  const auto& f = functions_;
  std::map<model::PciAddress, Handle> found;
  for (const Handle socket : handles_of(f.sockets)) {
    const auto processors = handles_of(
        [&](std::uint32_t* count, Handle* list) { return f.processors(socket, count, list); });
    for (const Handle gpu : processors) {
      std::uint64_t address = 0;
      if (gpu == nullptr || f.pci_address(gpu, &address) != kSuccess) continue;
      found.emplace(address_of(address), gpu);  // the first, where a GPU is cut into partitions
    }
  }
  return found;
}

std::optional<std::string> Smi::market_name(Handle gpu) const {
  Room room('\0');
  if (functions_.asic_info == nullptr || functions_.asic_info(gpu, room.out()) != kSuccess)
    return std::nullopt;
  // It comes first. A number stands for a GPU whose name the library does not know.
  const auto name = room.text().substr(0, std::min<std::size_t>(room.text().find('\0'), 256));
  if (name.empty() || name == "N/A" || name.starts_with("0x")) return std::nullopt;
  return std::string(name);
}

std::optional<Smi::Metrics> Smi::metrics(Handle gpu) const {
  Room room(kUnknown);
  if (functions_.metrics == nullptr || functions_.metrics(gpu, room.out()) != kSuccess)
    return std::nullopt;
  Metrics metrics;
  metrics.throttle_bits = field<std::uint64_t>(room.text(), kThrottleBits);
  metrics.residency = residency_in(room.text(), kInMetrics);
  const auto celsius = field<std::uint16_t>(room.text(), kMemoryTemperature);
  if (celsius && *celsius > 0) metrics.memory_temperature_c = *celsius;
  return metrics;
}

std::optional<Residency> Smi::later_residency(Handle gpu) const {
  Room room(kUnknown);
  if (functions_.violations == nullptr || functions_.violations(gpu, room.out()) != kSuccess)
    return std::nullopt;
  return residency_in(room.text(), kInViolations);
}

std::optional<std::int64_t> Smi::energy_mj(Handle gpu) const {
  std::uint64_t count = 0;
  float microjoules_each = 0;
  std::uint64_t nanoseconds = 0;
  if (functions_.energy == nullptr ||
      functions_.energy(gpu, &count, &microjoules_each, &nanoseconds) != kSuccess)
    return std::nullopt;
  // A GPU without the counter has none of it, or says that it does not know.
  const bool told = count != 0 && count != std::numeric_limits<std::uint64_t>::max() &&
                    std::isfinite(microjoules_each) && microjoules_each > 0;
  if (!told) return std::nullopt;
  const double mj = static_cast<double>(count) * static_cast<double>(microjoules_each) / 1000;
  constexpr double kMostMj = 1e18;
  return mj < kMostMj ? std::optional(static_cast<std::int64_t>(mj)) : std::nullopt;
}

}  // namespace berth::device::amd
