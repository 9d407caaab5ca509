// SPDX-License-Identifier: Apache-2.0
// Accelerators and their readings as plain values. A reading that the driver does not give is
// absent (std::nullopt, JSON null), never 0.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"

namespace berth::model {

enum class Vendor : std::uint8_t { kNvidia, kAmd, kIntel, kAscend, kCpu };

/// "nvidia", "amd", "intel", "ascend", "cpu".
std::string_view to_text(Vendor vendor);
/// What device strings begin with: "cuda", "rocm", "xpu", "npu", "cpu".
std::string_view device_prefix(Vendor vendor);

struct DeviceTag;
/// Stable identity: the driver's UUID ("GPU-...", "MIG-..."); "CPU" for the processor.
using DeviceId = base::Id<DeviceTag>;

/// A character device's numbers.
struct DeviceNode {
  unsigned major = 0;
  unsigned minor = 0;
  auto operator<=>(const DeviceNode&) const = default;
};

/// What does not change while a device is there.
struct Device {
  DeviceId id;
  Vendor vendor = Vendor::kCpu;
  int index = 0;           // position among the vendor's devices in PCI bus order
  std::string name;        // "cuda:0", "cpu"
  std::string model;       // "NVIDIA GeForce RTX 3090"
  std::string pci_bus_id;  // "00000000:17:00.0", empty for the processor
  std::optional<std::string> compute_capability;  // "8.6"
  std::optional<base::Bytes> total_memory;
  std::optional<int> max_clock_mhz;
  int cores = 0;                  // logical processors; 0 for a GPU
  std::vector<DeviceNode> nodes;  // its own device files; empty when they are not known
};

/// A process that holds memory on a device, whoever started it.
struct DeviceProcess {
  int pid = 0;
  std::optional<base::Bytes> used_memory;
  std::string type;     // "C" compute, "G" graphics, "C+G", "M" MPS client
  std::string command;  // from /proc, empty when it cannot be read
  std::string user;
};

enum class Health : std::uint8_t { kHealthy, kLost, kNotResponding, kFailed };
std::string_view to_text(Health health);

/// What a device was doing at `taken`.
struct Sample {
  DeviceId device;
  base::Time taken{};
  Health health = Health::kHealthy;
  std::string health_reason;  // empty when healthy; else cause, as the driver words it
  std::optional<base::Bytes> total_memory;
  std::optional<base::Bytes> used_memory;  // without what the driver reserves, where it says so
  std::optional<base::Bytes> free_memory;
  std::optional<base::Bytes> reserved_memory;     // kept by the driver: never available to tasks
  std::optional<int> utilization_percent;         // of the compute units
  std::optional<int> memory_utilization_percent;  // of the memory's bandwidth
  std::optional<int> temperature_c;
  std::optional<double> power_w;
  std::optional<double> power_limit_w;
  std::optional<int> clock_mhz;
  std::optional<int> memory_clock_mhz;
  std::optional<int> fan_percent;
  std::optional<std::vector<DeviceProcess>> processes;  // absent when the driver does not list them
};

/// The devices of one machine in order: per vendor by PCI bus id, the processor last.
struct Inventory {
  std::vector<Device> devices;
  std::optional<std::string> driver_version;
  std::optional<std::string> cuda_version;  // the newest that the driver supports, "12.4"
  std::vector<std::string> hints;           // what is missing and how to get it
};

base::json::object to_json(const Device& device);
base::Result<Device> device_from_json(const base::json::object& object);
base::json::object to_json(const Sample& sample);
base::Result<Sample> sample_from_json(const base::json::object& object);
base::json::object to_json(const Inventory& inventory);
base::Result<Inventory> inventory_from_json(const base::json::object& object);

}  // namespace berth::model
