// SPDX-License-Identifier: Apache-2.0
// Accelerators and their readings as plain values. A reading that the driver does not give is
// absent (std::nullopt, JSON null), never 0.
#pragma once

#include <array>
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
inline constexpr std::array kGpuVendors{Vendor::kNvidia, Vendor::kAmd, Vendor::kIntel,
                                        Vendor::kAscend};

/// "nvidia", "amd", "intel", "ascend", "cpu".
std::string_view to_text(Vendor vendor);
/// "NVIDIA", "AMD", "Intel", "Ascend", "CPU".
std::string_view maker(Vendor vendor);
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

/// How near two GPUs are to each other, nearest first; in brackets what `nvidia-smi topo -m` calls
/// it.
enum class Closeness : std::uint8_t {
  kNvLink,      // [NV#] directly or through NVSwitch
  kSwitch,      // [PIX, PXB] PCIe switches and no host bridge between them
  kHostBridge,  // [PHB]
  kNumaNode,    // [NODE] host bridges of one NUMA node
  kSystem       // [SYS] between NUMA nodes, or nothing is known
};
/// "nvlink", "pcie_switch", "host_bridge", "numa_node", "system".
std::string_view to_text(Closeness closeness);

/// The way to another GPU.
struct Link {
  DeviceId peer;
  Closeness closeness = Closeness::kSystem;
  int nvlinks = 0;  // of this GPU that lead there, 0 when it is not kNvLink
  bool operator==(const Link&) const = default;
};

/// A PCI Express connection.
struct PcieLink {
  int generation = 0;  // 4: 16 GT/s a lane
  int width = 0;       // lanes
  auto operator<=>(const PcieLink&) const = default;
};

/// What makes a device a part of a GPU (NVIDIA Multi-Instance GPU): a compute instance.
struct MigInstance {
  DeviceId parent;
  int number = 0;             // the driver's, among those of its GPU
  unsigned gpu_instance = 0;  // ids of the driver, for its device files
  unsigned compute_instance = 0;
  std::string profile;  // "1g.10gb", "1c.3g.40gb"; empty when it is not known
  bool operator==(const MigInstance&) const = default;
};

/// What does not change while a device is there.
struct Device {
  DeviceId id;
  Vendor vendor = Vendor::kCpu;
  int index = 0;           // position among the vendor's devices in PCI bus order; of an instance
                           // that of its GPU
  std::string name;        // "cuda:0", "cuda:0:1" for the MIG instance 1 of cuda:0, "cpu"
  std::string model;       // "NVIDIA GeForce RTX 3090", "NVIDIA A100-SXM4-80GB MIG 1g.10gb"
  std::string pci_bus_id;  // "00000000:17:00.0", empty for the processor
  std::optional<std::string> compute_capability;  // "8.6"
  std::optional<base::Bytes> total_memory;
  std::optional<int> max_clock_mhz;
  std::optional<std::int64_t> peak_gflops;  // of dense FP16 arithmetic, tensor cores included
  std::optional<int> memory_gbps;           // bandwidth of its memory, 10^9 bytes a second
  int cores = 0;                            // logical processors; 0 for a GPU
  std::vector<DeviceNode> nodes;  // its device files; empty when they are not known. Instances of
                                  // one GPU share its files and have others of their own
  bool partitioned = false;       // in MIG mode: its instances are devices, it takes no task itself
  std::string no_tasks;           // why nothing is started there; empty: tasks may be
  std::optional<MigInstance> mig;
  std::optional<int> numa_node;
  std::vector<Link> links;       // to GPUs that are nearer than kSystem, in no order
  std::optional<PcieLink> pcie;  // what device and slot can do at most
};

/// For comparing GPUs: peak of arithmetic times bandwidth of memory (GFLOP/s * GB/s / 1000), for
/// training and inference wait for the one or the other. Where these are not known the compute
/// capability (806 for "8.6"), which is less than that of any GPU that both are known of.
std::int64_t speed(const Device& device);

/// Of devices of one machine: by vendor and index, instances after their GPU, the processor last.
bool listed_before(const Device& a, const Device& b);

/// kOrphan: what started it and the leader of its process group have ended, so nobody waits for it.
/// kZombie: it has ended, but its parent has not noticed or a thread of it still is in the driver.
/// kUnseen: /proc has no such process; it is in another container or has just ended.
enum class ProcessState : std::uint8_t { kAlive, kOrphan, kZombie, kUnseen };
std::string_view to_text(ProcessState state);  // "alive", "orphan", "zombie", "unseen"

/// A process that holds memory on a device, whoever started it.
struct DeviceProcess {
  int pid = 0;
  std::optional<base::Bytes> used_memory;
  std::optional<int> utilization_percent;  // of the compute units, or of the busiest engine
  std::string type;                        // "C" compute, "G" graphics, "C+G", "M" MPS client
  std::string command;                     // from /proc, empty when it cannot be read
  std::string user;
  std::string container;  // id of the container that it runs in, empty outside
  ProcessState state = ProcessState::kAlive;
  bool operator==(const DeviceProcess&) const = default;
};

enum class Health : std::uint8_t { kHealthy, kLost, kNotResponding, kFailed };
std::string_view to_text(Health health);

/// What a driver tells of a device.
struct Readings {
  Health health = Health::kHealthy;
  std::string health_reason;  // empty when healthy; else cause, as the driver words it
  std::optional<base::Bytes> total_memory;
  std::optional<base::Bytes> used_memory;  // without what the driver reserves, where it says so
  std::optional<base::Bytes> free_memory;
  std::optional<base::Bytes> reserved_memory;     // kept by the driver: never available to tasks
  std::optional<int> utilization_percent;         // of the compute units
  std::optional<int> memory_utilization_percent;  // of the memory's bandwidth
  std::optional<int> encoder_percent;
  std::optional<int> decoder_percent;
  std::optional<int> temperature_c;
  std::optional<int> memory_temperature_c;
  std::optional<double> power_w;
  std::optional<double> power_limit_w;
  std::optional<int> clock_mhz;
  std::optional<int> memory_clock_mhz;
  std::optional<int> fan_percent;
  std::optional<PcieLink> pcie;               // now: idle devices slow it down to save power
  std::optional<std::int64_t> energy_mj;      // since the driver was loaded, millijoules
  std::optional<std::int64_t> ecc_corrected;  // memory errors since the driver was loaded
  std::optional<std::int64_t> ecc_uncorrected;
  std::optional<int> xid;  // NVIDIA's number of the last error that its driver reported, if any
  std::optional<std::vector<std::string>> throttle;     // why clocks are lower than they could be
  std::optional<std::vector<DeviceProcess>> processes;  // absent when the driver does not list them
  bool operator==(const Readings&) const = default;
};

/// What a device was doing at `taken`.
struct Sample : Readings {
  DeviceId device;
  base::Time taken{};

  [[nodiscard]] bool same_readings(const Sample& other) const {
    return static_cast<const Readings&>(*this) == other;
  }
};

/// The devices of one machine in order (listed_before()): per vendor by PCI bus id, MIG instances
/// after their GPU, the processor last.
struct Inventory {
  std::vector<Device> devices;
  std::optional<std::string> driver_version;
  std::optional<std::string> cuda_version;  // the newest that the driver supports, "12.4"
  std::vector<std::string> hints;           // what is missing and how to get it
};

/// Those on which tasks may be started: what the scheduler knows of.
std::vector<Device> for_tasks(const Inventory& inventory);
/// Whether this device is one of them, or not listed.
bool takes_tasks(const Inventory& inventory, const DeviceId& id);

base::json::object to_json(const Device& device);
base::Result<Device> device_from_json(const base::json::object& object);
base::json::object to_json(const Sample& sample);
base::Result<Sample> sample_from_json(const base::json::object& object);
base::json::object to_json(const Inventory& inventory);
base::Result<Inventory> inventory_from_json(const base::json::object& object);

}  // namespace berth::model
