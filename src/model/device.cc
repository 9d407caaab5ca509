// SPDX-License-Identifier: Apache-2.0
#include "model/device.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/text.h"

namespace berth::model {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr std::array<std::string_view, 5> kVendors{"nvidia", "amd", "intel", "ascend", "cpu"};
constexpr std::array<std::string_view, 5> kMakers{"NVIDIA", "AMD", "Intel", "Ascend", "CPU"};
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

struct IntField {
  const char* name;
  std::optional<int> Readings::* value;
};
constexpr std::array kIntFields{
    IntField{"utilization_percent", &Readings::utilization_percent},
    IntField{"memory_utilization_percent", &Readings::memory_utilization_percent},
    IntField{"encoder_percent", &Readings::encoder_percent},
    IntField{"decoder_percent", &Readings::decoder_percent},
    IntField{"temperature_c", &Readings::temperature_c},
    IntField{"memory_temperature_c", &Readings::memory_temperature_c},
    IntField{"clock_mhz", &Readings::clock_mhz},
    IntField{"memory_clock_mhz", &Readings::memory_clock_mhz},
    IntField{"fan_percent", &Readings::fan_percent},
    IntField{"xid", &Readings::xid}};

struct LongField {
  const char* name;
  std::optional<std::int64_t> Readings::* value;
};
constexpr std::array kLongFields{LongField{"energy_mj", &Readings::energy_mj},
                                 LongField{"ecc_corrected", &Readings::ecc_corrected},
                                 LongField{"ecc_uncorrected", &Readings::ecc_uncorrected}};

struct BytesField {
  const char* name;
  std::optional<base::Bytes> Readings::* value;
};
constexpr std::array kBytesFields{BytesField{"total_memory", &Readings::total_memory},
                                  BytesField{"used_memory", &Readings::used_memory},
                                  BytesField{"free_memory", &Readings::free_memory},
                                  BytesField{"reserved_memory", &Readings::reserved_memory}};

value pcie_to_json(const std::optional<PcieLink>& link) {
  return link ? value(array{link->generation, link->width}) : value(nullptr);
}

std::optional<PcieLink> pcie_from_json(const value* link) {
  const auto* parts = link != nullptr ? link->if_array() : nullptr;
  if (parts == nullptr || parts->size() != 2 || !(*parts)[0].is_int64() || !(*parts)[1].is_int64())
    return std::nullopt;
  return PcieLink{static_cast<int>((*parts)[0].as_int64()),
                  static_cast<int>((*parts)[1].as_int64())};
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
std::string_view maker(Vendor vendor) { return kMakers.at(static_cast<std::size_t>(vendor)); }
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

std::vector<Device> for_tasks(const Inventory& inventory) {
  std::vector<Device> devices = inventory.devices;
  std::erase_if(devices, [](const Device& device) { return !device.no_tasks.empty(); });
  return devices;
}

bool takes_tasks(const Inventory& inventory, const DeviceId& id) {
  return std::none_of(
      inventory.devices.begin(), inventory.devices.end(),
      [&](const Device& device) { return device.id == id && !device.no_tasks.empty(); });
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
                {"no_tasks", device.no_tasks},
                {"mig", mig_to_json(device.mig)},
                {"numa_node", base::or_null(device.numa_node)},
                {"links", links_to_json(device.links)},
                {"pcie", pcie_to_json(device.pcie)}};
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
  device.no_tasks = base::string_or(from, "no_tasks");
  read_mig(from.if_contains("mig"), device);
  device.numa_node = narrow(base::maybe_int(from, "numa_node"));
  read_links(from.if_contains("links"), device);
  device.pcie = pcie_from_json(from.if_contains("pcie"));
  return device;
}

object to_json(const Sample& sample) {
  object result{{"device", sample.device.value},
                {"taken", base::to_ms(sample.taken)},
                {"health", to_text(sample.health)},
                {"health_reason", sample.health_reason},
                {"power_w", base::or_null(sample.power_w)},
                {"power_limit_w", base::or_null(sample.power_limit_w)},
                {"pcie", pcie_to_json(sample.pcie)}};
  for (const auto& field : kBytesFields) result[field.name] = base::or_null(sample.*field.value);
  for (const auto& field : kIntFields) result[field.name] = base::or_null(sample.*field.value);
  for (const auto& field : kLongFields) result[field.name] = base::or_null(sample.*field.value);
  result["throttle"] = nullptr;
  if (sample.throttle) {
    array reasons;
    for (const auto& reason : *sample.throttle) reasons.emplace_back(reason);
    result["throttle"] = std::move(reasons);
  }
  if (!sample.processes) {
    result["processes"] = nullptr;
    return result;
  }
  array processes;
  for (const auto& process : *sample.processes) {
    processes.push_back(object{{"pid", process.pid},
                               {"used_memory", base::or_null(process.used_memory)},
                               {"utilization_percent", base::or_null(process.utilization_percent)},
                               {"type", process.type},
                               {"command", process.command},
                               {"user", process.user},
                               {"container", process.container},
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
  sample.power_w = base::maybe_double(from, "power_w");
  sample.power_limit_w = base::maybe_double(from, "power_limit_w");
  sample.pcie = pcie_from_json(from.if_contains("pcie"));
  for (const auto& field : kBytesFields) sample.*field.value = base::maybe_bytes(from, field.name);
  for (const auto& field : kIntFields)
    sample.*field.value = narrow(base::maybe_int(from, field.name));
  for (const auto& field : kLongFields) sample.*field.value = base::maybe_int(from, field.name);
  if (const value* throttle = from.if_contains("throttle");
      throttle != nullptr && throttle->is_array()) {
    sample.throttle.emplace();
    for (const value& reason : throttle->as_array()) {
      if (reason.is_string()) sample.throttle->emplace_back(reason.as_string());
    }
  }
  const value* processes = from.if_contains("processes");
  if (processes != nullptr && processes->is_array()) {
    sample.processes.emplace();
    for (const value& entry : processes->as_array()) {
      if (!entry.is_object()) continue;
      const object& process = entry.as_object();
      const auto state = position(kProcessState, base::string_or(process, "state"));
      DeviceProcess read;
      read.pid = static_cast<int>(base::int_or(process, "pid"));
      read.used_memory = base::maybe_bytes(process, "used_memory");
      read.utilization_percent = narrow(base::maybe_int(process, "utilization_percent"));
      read.type = base::string_or(process, "type");
      read.command = base::string_or(process, "command");
      read.user = base::string_or(process, "user");
      read.container = base::string_or(process, "container");
      read.state = static_cast<ProcessState>(state.value_or(0));
      sample.processes->push_back(std::move(read));
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
