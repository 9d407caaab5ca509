// SPDX-License-Identifier: Apache-2.0
#include "model/device.h"

#include <array>
#include <tuple>

#include "base/text.h"

namespace berth::model {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr std::array<std::string_view, 5> kVendors{"nvidia", "amd", "intel", "ascend", "cpu"};
constexpr std::array<std::string_view, 5> kPrefixes{"cuda", "rocm", "xpu", "npu", "cpu"};
constexpr std::array<std::string_view, 4> kProcessState{"alive", "orphan", "zombie", "unseen"};
constexpr std::array<std::string_view, 4> kHealth{"healthy", "lost", "not_responding", "failed"};
constexpr std::array<std::string_view, 5> kCloseness{"nvlink", "pcie_switch", "host_bridge",
                                                     "numa_node", "system"};

template <std::size_t N>
std::optional<std::size_t> position(const std::array<std::string_view, N>& names,
                                    std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return i;
  }
  return std::nullopt;
}

std::optional<int> narrow(std::optional<std::int64_t> number) {
  return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}

array nodes_to_json(const std::vector<DeviceNode>& nodes) {
  array list;
  for (const auto& node : nodes) list.emplace_back(array{node.major, node.minor});
  return list;
}

void read_nodes(const value* nodes, Device& device) {
  if (nodes == nullptr || !nodes->is_array()) return;
  for (const auto& node : nodes->as_array()) {
    const auto* numbers = node.if_array();
    if (numbers == nullptr || numbers->size() != 2) continue;
    boost::system::error_code wrong;
    const auto major = (*numbers)[0].to_number<unsigned>(wrong);
    if (wrong) continue;
    const auto minor = (*numbers)[1].to_number<unsigned>(wrong);
    if (!wrong) device.nodes.push_back(DeviceNode{major, minor});
  }
}

array links_to_json(const std::vector<Link>& links) {
  array list;
  for (const auto& link : links)
    list.emplace_back(array{link.peer.value, to_text(link.closeness), link.nvlinks});
  return list;
}

void read_links(const value* links, Device& device) {
  if (links == nullptr || !links->is_array()) return;
  for (const auto& entry : links->as_array()) {
    const auto* parts = entry.if_array();
    if (parts == nullptr || parts->size() != 3 || !(*parts)[0].is_string() ||
        !(*parts)[1].is_string() || !(*parts)[2].is_int64()) {
      continue;
    }
    const auto closeness = position(kCloseness, std::string_view((*parts)[1].as_string()));
    if (!closeness) continue;
    device.links.push_back(Link{DeviceId(std::string((*parts)[0].as_string())),
                                static_cast<Closeness>(*closeness),
                                static_cast<int>((*parts)[2].as_int64())});
  }
}

value mig_to_json(const std::optional<MigInstance>& mig) {
  if (!mig) return nullptr;
  return object{{"parent", mig->parent.value},
                {"number", mig->number},
                {"gpu_instance", mig->gpu_instance},
                {"compute_instance", mig->compute_instance},
                {"profile", mig->profile}};
}

void read_mig(const value* mig, Device& device) {
  if (mig == nullptr || !mig->is_object()) return;
  const object& from = mig->as_object();
  device.mig = MigInstance{DeviceId(base::string_or(from, "parent")),
                           static_cast<int>(base::int_or(from, "number")),
                           static_cast<unsigned>(base::int_or(from, "gpu_instance")),
                           static_cast<unsigned>(base::int_or(from, "compute_instance")),
                           base::string_or(from, "profile")};
}

}  // namespace

std::string_view to_text(Vendor vendor) { return kVendors.at(static_cast<std::size_t>(vendor)); }
std::string_view device_prefix(Vendor vendor) {
  return kPrefixes.at(static_cast<std::size_t>(vendor));
}
std::string_view to_text(ProcessState state) {
  return kProcessState.at(static_cast<std::size_t>(state));
}
std::string_view to_text(Health health) { return kHealth.at(static_cast<std::size_t>(health)); }
std::string_view to_text(Closeness closeness) {
  return kCloseness.at(static_cast<std::size_t>(closeness));
}

std::int64_t speed(const Device& device) {
  if (device.peak_gflops && device.memory_gbps)
    return *device.peak_gflops * *device.memory_gbps / 1000;
  // "8.6" -> 806, so that "8.10" ranks above "8.9".
  const auto parts = base::split(device.compute_capability.value_or("0.0"), '.');
  const auto part = [&](std::size_t i) {
    return i < parts.size() ? base::parse_number(parts[i]).value_or(0) : 0;
  };
  return part(0) * 100 + part(1);
}

bool listed_before(const Device& a, const Device& b) {
  const auto key = [](const Device& device) {
    return std::tuple(device.vendor, device.index, device.mig ? device.mig->number : -1);
  };
  return key(a) < key(b);
}

object to_json(const Device& device) {
  return object{{"id", device.id.value},
                {"vendor", to_text(device.vendor)},
                {"index", device.index},
                {"name", device.name},
                {"model", device.model},
                {"pci_bus_id", device.pci_bus_id},
                {"compute_capability", base::or_null(device.compute_capability)},
                {"total_memory", base::or_null(device.total_memory)},
                {"max_clock_mhz", base::or_null(device.max_clock_mhz)},
                {"peak_gflops", base::or_null(device.peak_gflops)},
                {"memory_gbps", base::or_null(device.memory_gbps)},
                {"cores", device.cores},
                {"nodes", nodes_to_json(device.nodes)},
                {"partitioned", device.partitioned},
                {"mig", mig_to_json(device.mig)},
                {"numa_node", base::or_null(device.numa_node)},
                {"links", links_to_json(device.links)}};
}

base::Result<Device> device_from_json(const object& from) {
  Device device;
  device.id = DeviceId(base::string_or(from, "id"));
  const auto vendor = position(kVendors, base::string_or(from, "vendor"));
  if (device.id.empty() || !vendor)
    return base::fail(base::ErrorCode::kInternal, "a device without id or vendor");
  device.vendor = static_cast<Vendor>(*vendor);
  device.index = static_cast<int>(base::int_or(from, "index"));
  device.name = base::string_or(from, "name");
  device.model = base::string_or(from, "model");
  device.pci_bus_id = base::string_or(from, "pci_bus_id");
  device.compute_capability = base::maybe_string(from, "compute_capability");
  device.total_memory = base::maybe_bytes(from, "total_memory");
  device.max_clock_mhz = narrow(base::maybe_int(from, "max_clock_mhz"));
  device.peak_gflops = base::maybe_int(from, "peak_gflops");
  device.memory_gbps = narrow(base::maybe_int(from, "memory_gbps"));
  device.cores = static_cast<int>(base::int_or(from, "cores"));
  read_nodes(from.if_contains("nodes"), device);
  device.partitioned = base::bool_or(from, "partitioned");
  read_mig(from.if_contains("mig"), device);
  device.numa_node = narrow(base::maybe_int(from, "numa_node"));
  read_links(from.if_contains("links"), device);
  return device;
}

object to_json(const Sample& sample) {
  object result{{"device", sample.device.value},
                {"taken", base::to_ms(sample.taken)},
                {"health", to_text(sample.health)},
                {"health_reason", sample.health_reason},
                {"total_memory", base::or_null(sample.total_memory)},
                {"used_memory", base::or_null(sample.used_memory)},
                {"free_memory", base::or_null(sample.free_memory)},
                {"reserved_memory", base::or_null(sample.reserved_memory)},
                {"utilization_percent", base::or_null(sample.utilization_percent)},
                {"memory_utilization_percent", base::or_null(sample.memory_utilization_percent)},
                {"temperature_c", base::or_null(sample.temperature_c)},
                {"power_w", base::or_null(sample.power_w)},
                {"power_limit_w", base::or_null(sample.power_limit_w)},
                {"clock_mhz", base::or_null(sample.clock_mhz)},
                {"memory_clock_mhz", base::or_null(sample.memory_clock_mhz)},
                {"fan_percent", base::or_null(sample.fan_percent)}};
  if (!sample.processes) {
    result["processes"] = nullptr;
    return result;
  }
  array processes;
  for (const auto& process : *sample.processes) {
    processes.push_back(object{{"pid", process.pid},
                               {"used_memory", base::or_null(process.used_memory)},
                               {"type", process.type},
                               {"command", process.command},
                               {"user", process.user},
                               {"state", to_text(process.state)}});
  }
  result["processes"] = std::move(processes);
  return result;
}

base::Result<Sample> sample_from_json(const object& from) {
  Sample sample;
  sample.device = DeviceId(base::string_or(from, "device"));
  const auto health = position(kHealth, base::string_or(from, "health", "healthy"));
  if (sample.device.empty() || !health)
    return base::fail(base::ErrorCode::kInternal, "a sample without device");
  sample.taken = base::from_ms(base::int_or(from, "taken"));
  sample.health = static_cast<Health>(*health);
  sample.health_reason = base::string_or(from, "health_reason");
  sample.total_memory = base::maybe_bytes(from, "total_memory");
  sample.used_memory = base::maybe_bytes(from, "used_memory");
  sample.free_memory = base::maybe_bytes(from, "free_memory");
  sample.reserved_memory = base::maybe_bytes(from, "reserved_memory");
  sample.utilization_percent = narrow(base::maybe_int(from, "utilization_percent"));
  sample.memory_utilization_percent = narrow(base::maybe_int(from, "memory_utilization_percent"));
  sample.temperature_c = narrow(base::maybe_int(from, "temperature_c"));
  sample.power_w = base::maybe_double(from, "power_w");
  sample.power_limit_w = base::maybe_double(from, "power_limit_w");
  sample.clock_mhz = narrow(base::maybe_int(from, "clock_mhz"));
  sample.memory_clock_mhz = narrow(base::maybe_int(from, "memory_clock_mhz"));
  sample.fan_percent = narrow(base::maybe_int(from, "fan_percent"));
  const value* processes = from.if_contains("processes");
  if (processes != nullptr && processes->is_array()) {
    sample.processes.emplace();
    for (const value& entry : processes->as_array()) {
      if (!entry.is_object()) continue;
      const object& process = entry.as_object();
      const auto state = position(kProcessState, base::string_or(process, "state"));
      sample.processes->push_back(DeviceProcess{
          static_cast<int>(base::int_or(process, "pid")), base::maybe_bytes(process, "used_memory"),
          base::string_or(process, "type"), base::string_or(process, "command"),
          base::string_or(process, "user"), static_cast<ProcessState>(state.value_or(0))});
    }
  }
  return sample;
}

object to_json(const Inventory& inventory) {
  array devices;
  for (const auto& device : inventory.devices) devices.push_back(to_json(device));
  array hints;
  for (const auto& hint : inventory.hints) hints.push_back(value(hint));
  return object{{"devices", std::move(devices)},
                {"driver_version", base::or_null(inventory.driver_version)},
                {"cuda_version", base::or_null(inventory.cuda_version)},
                {"hints", std::move(hints)}};
}

base::Result<Inventory> inventory_from_json(const object& from) {
  Inventory inventory;
  inventory.driver_version = base::maybe_string(from, "driver_version");
  inventory.cuda_version = base::maybe_string(from, "cuda_version");
  if (const value* hints = from.if_contains("hints"); hints != nullptr && hints->is_array()) {
    for (const value& hint : hints->as_array()) {
      if (hint.is_string()) inventory.hints.emplace_back(hint.as_string());
    }
  }
  const value* devices = from.if_contains("devices");
  if (devices == nullptr || !devices->is_array()) {
    return base::fail(base::ErrorCode::kInternal, "an inventory without devices");
  }
  for (const value& entry : devices->as_array()) {
    if (!entry.is_object()) continue;
    auto device = device_from_json(entry.as_object());
    if (!device) return base::fail(device.error());
    inventory.devices.push_back(std::move(*device));
  }
  return inventory;
}

}  // namespace berth::model
