// SPDX-License-Identifier: Apache-2.0
#include "model/device_report.h"

#include <algorithm>
#include <cmath>

#include "model/device_words.h"

namespace berth::model {

using base::or_null;
using base::json::array;
using base::json::object;
using base::json::value;

namespace {

value text_or_null(const std::string& text) { return text.empty() ? value(nullptr) : value(text); }

value pcie(const Device& device, const Sample& sample) {
  if (!device.pcie && !sample.pcie) return nullptr;
  const auto part = [](const std::optional<PcieLink>& link, int PcieLink::* field) {
    return link ? value((*link).*field) : value(nullptr);
  };
  return object{{"generation", part(sample.pcie, &PcieLink::generation)},
                {"width", part(sample.pcie, &PcieLink::width)},
                {"max_generation", part(device.pcie, &PcieLink::generation)},
                {"max_width", part(device.pcie, &PcieLink::width)}};
}

value throttle(const Sample& sample) {
  if (!sample.throttle) return nullptr;
  array reasons;
  for (const auto& reason : *sample.throttle) reasons.emplace_back(reason);
  return reasons;
}

/// What is in use but by no process that the driver lists: one that has ended, in a container that
/// cannot be seen, or the driver itself.
std::optional<base::Bytes> unattributed(const Sample& sample) {
  if (!sample.used_memory || !sample.processes) return std::nullopt;
  base::Bytes rest = *sample.used_memory;
  for (const auto& process : *sample.processes) {
    if (!process.used_memory) return std::nullopt;
    rest -= *process.used_memory;
  }
  return std::max(rest, base::Bytes{});
}

void add_belongings(object& report, const Device& device) {
  report["partitioned"] = device.partitioned;
  report["mig"] = nullptr;
  if (const auto& mig = device.mig) {
    report["mig"] = object{{"parent", mig->parent.value},
                           {"profile", text_or_null(mig->profile)},
                           {"number", mig->number},
                           {"gpu_instance", mig->gpu_instance},
                           {"compute_instance", mig->compute_instance}};
  }
  report["numa_node"] = or_null(device.numa_node);
  array links;
  for (const auto& link : device.links) {
    links.push_back(object{{"peer", link.peer.value},
                           {"closeness", to_text(link.closeness)},
                           {"nvlinks", link.nvlinks}});
  }
  report["links"] = std::move(links);
}

}  // namespace

value gib_or_null(const std::optional<base::Bytes>& bytes) {
  return bytes ? value(std::round(bytes->gib() * 100) / 100) : value(nullptr);
}

bool slowed_down(const Readings& readings) {
  if (!readings.throttle) return false;
  // That a busy device reaches its own power limit is how it is meant to work.
  return std::any_of(readings.throttle->begin(), readings.throttle->end(), [](const auto& reason) {
    return reason == words::kTemperature || reason == words::kTemperatureHardware ||
           reason == words::kHardwareSlowdown || reason == words::kPowerBrake;
  });
}

object device_report(const Device& device, const Sample& sample) {
  const auto total = sample.total_memory ? sample.total_memory : device.total_memory;
  value memory_use = nullptr;
  if (total && sample.used_memory && total->value > 0) {
    memory_use = std::round(1000.0 * static_cast<double>(sample.used_memory->value) /
                            static_cast<double>(total->value)) /
                 10;
  }
  object report{{"id", device.index},
                {"device_name", device.name},
                {"name", device.model},
                {"vendor", to_text(device.vendor)},
                {"uuid", device.id.value},
                {"pci_bus_id", device.pci_bus_id},
                {"compute_capability", or_null(device.compute_capability)},
                {"max_clock_mhz", or_null(device.max_clock_mhz)},
                {"peak_gflops", or_null(device.peak_gflops)},
                {"memory_gbps", or_null(device.memory_gbps)},
                {"total_memory_gb", gib_or_null(total)},
                {"allocated_memory_gb", gib_or_null(sample.used_memory)},
                {"cached_memory_gb", gib_or_null(sample.used_memory)},
                {"free_memory_gb", gib_or_null(sample.free_memory)},
                {"free_memory_bytes", or_null(sample.free_memory)},
                {"reserved_memory_gb", gib_or_null(sample.reserved_memory)},
                {"unattributed_memory_gb", gib_or_null(unattributed(sample))},
                {"utilization", std::move(memory_use)},
                {"sm_utilization", or_null(sample.utilization_percent)},
                {"memory_bandwidth_utilization", or_null(sample.memory_utilization_percent)},
                {"encoder_utilization", or_null(sample.encoder_percent)},
                {"decoder_utilization", or_null(sample.decoder_percent)},
                {"temperature_c", or_null(sample.temperature_c)},
                {"memory_temperature_c", or_null(sample.memory_temperature_c)},
                {"power_w", or_null(sample.power_w)},
                {"power_limit_w", or_null(sample.power_limit_w)},
                {"energy_j", sample.energy_mj ? value(static_cast<double>(*sample.energy_mj) / 1000)
                                              : value(nullptr)},
                {"clock_mhz", or_null(sample.clock_mhz)},
                {"memory_clock_mhz", or_null(sample.memory_clock_mhz)},
                {"fan_percent", or_null(sample.fan_percent)},
                {"pcie", pcie(device, sample)},
                {"ecc_corrected", or_null(sample.ecc_corrected)},
                {"ecc_uncorrected", or_null(sample.ecc_uncorrected)},
                {"xid", or_null(sample.xid)},
                {"throttle", throttle(sample)},
                {"throttled", slowed_down(sample)},
                {"no_tasks", text_or_null(device.no_tasks)},
                {"health", to_text(sample.health)},
                {"health_reason", text_or_null(sample.health_reason)}};
  add_belongings(report, device);
  return report;
}

object process_report(const DeviceProcess& process) {
  return object{{"pid", process.pid},
                {"user", process.user},
                {"command", process.command},
                {"type", process.type},
                {"used_memory_gb", gib_or_null(process.used_memory)},
                {"used_memory_bytes", or_null(process.used_memory)},
                {"utilization", or_null(process.utilization_percent)},
                {"container", text_or_null(process.container)},
                {"state", to_text(process.state)}};
}

}  // namespace berth::model
