// SPDX-License-Identifier: Apache-2.0
// The binary interface of NVIDIA's management library as far as Berth calls it: values and struct
// layouts from the public NVML API reference (docs.nvidia.com/deploy/nvml-api). The library is
// opened at run time, so nothing here is linked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace berth::device::nvml {

enum ReturnCode : int {
  kSuccess = 0,
  kUninitialized = 1,
  kInvalidArgument = 2,
  kNotSupported = 3,
  kNoPermission = 4,
  kNotFound = 6,
  kInsufficientSize = 7,
  kDriverNotLoaded = 9,
  kFunctionNotFound = 13,
  kGpuIsLost = 15,
  kResetRequired = 16,
  kLibRmVersionMismatch = 18,
  kArgumentVersionMismatch = 25,
  kGpuNotFound = 28,
  kUnknown = 999,
};

struct DeviceObject;
using DeviceHandle = DeviceObject*;

constexpr unsigned kNameSize = 96;
constexpr unsigned kUuidSize = 96;
constexpr unsigned kVersionSize = 80;
constexpr unsigned kSensorGpu = 0;  // of nvmlDeviceGetTemperature
constexpr unsigned kClockSm = 1;    // of nvmlDeviceGetClockInfo
constexpr unsigned kClockMemory = 2;

/// Of nvmlDeviceGetTopologyCommonAncestor: what two GPUs have in common on the way to each other.
enum TopologyLevel : int {
  kTopologyInternal = 0,     // one board
  kTopologySingle = 10,      // a PCIe switch
  kTopologyMultiple = 20,    // PCIe switches
  kTopologyHostBridge = 30,  // a host bridge
  kTopologyNode = 40,        // host bridges of one NUMA node
  kTopologySystem = 50
};
constexpr unsigned kNvLinksMost = 18;  // NVML_NVLINK_MAX_LINKS
constexpr int kP2pByNvLink = 2;        // NVML_P2P_CAPS_INDEX_NVLINK
constexpr int kP2pOk = 0;

/// usedGpuMemory when the driver does not know (WDDM, WSL).
constexpr std::uint64_t kValueNotAvailable = ~std::uint64_t{0};

/// Of nvmlDeviceGetPciInfo_v3 and nvmlDeviceGetNvLinkRemotePciInfo_v2; the older call writes a
/// shorter struct into the same head.
struct PciAddress {
  char bus_id_legacy[16];
  std::uint32_t domain;
  std::uint32_t bus;
  std::uint32_t device;
  std::uint32_t pci_device_id;
  std::uint32_t pci_subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(PciAddress) == 68);

struct MemoryV1 {
  std::uint64_t total;
  std::uint64_t free;
  std::uint64_t used;  // including what the driver reserves
};
static_assert(sizeof(MemoryV1) == 24);

struct MemoryV2 {
  std::uint32_t version;
  std::uint64_t total;
  std::uint64_t reserved;
  std::uint64_t free;
  std::uint64_t used;
};
static_assert(sizeof(MemoryV2) == 40);
/// Versioned structs carry their size and, in the top byte, their version.
constexpr std::uint32_t kMemoryV2Version =
    static_cast<std::uint32_t>(sizeof(MemoryV2)) | (2U << 24U);

struct Utilization {
  std::uint32_t gpu;
  std::uint32_t memory;
};

/// Of nvmlDeviceGetTemperatureV.
struct TemperatureV1 {
  std::uint32_t version;
  std::uint32_t sensor;
  std::int32_t temperature;
};
constexpr std::uint32_t kTemperatureV1Version =
    static_cast<std::uint32_t>(sizeof(TemperatureV1)) | (1U << 24U);

/// Of nvmlDeviceGetProcessUtilization.
struct ProcessUtilization {
  std::uint32_t pid;
  std::uint64_t time_us;
  std::uint32_t sm, memory, encoder, decoder;  // percent
};
static_assert(sizeof(ProcessUtilization) == 32);

/// Of nvmlDeviceGetFieldValues.
struct FieldValue {
  std::uint32_t field;
  std::uint32_t scope;
  std::int64_t time_us;
  std::int64_t latency_us;
  std::uint32_t type;
  std::int32_t code;
  union {
    double real;
    std::uint32_t number;
    std::uint64_t large;
  } value;
};
static_assert(sizeof(FieldValue) == 40);
constexpr std::uint32_t kFieldMemoryTemperature = 82;  // NVML_FI_DEV_MEMORY_TEMP

/// Of nvmlDeviceGetTotalEccErrors.
constexpr int kEccCorrected = 0, kEccUncorrected = 1;
constexpr int kEccSinceLoad = 0;  // NVML_VOLATILE_ECC

/// Of nvmlDeviceGetCurrentClocksEventReasons: bits, of which the lowest is that the GPU is idle.
constexpr std::uint64_t kClocksApplication = 0x2, kClocksPowerCap = 0x4, kClocksHardware = 0x8,
                        kClocksSync = 0x10, kClocksThermal = 0x20, kClocksHardwareThermal = 0x40,
                        kClocksPowerBrake = 0x80, kClocksDisplay = 0x100;

/// Of nvmlEventSetWait_v2.
struct EventSetObject;
using EventSet = EventSetObject*;
struct Event {
  DeviceHandle device;
  std::uint64_t type;
  std::uint64_t data;  // of an XID event its number
  std::uint32_t gpu_instance;
  std::uint32_t compute_instance;
};
static_assert(sizeof(Event) == 32);
constexpr std::uint64_t kEventXid = 0x8;  // nvmlEventTypeXidCriticalError

/// Every layout of a process begins with these two; they differ in what follows.
struct ProcessHead {
  std::uint32_t pid;
  std::uint64_t used_memory;
};
/// Bytes per entry: v1; v2 and today's v3 (adds two MIG instance numbers); the v3 of the early 535
/// drivers (adds a confidential-computing figure).
constexpr std::size_t kProcessSizeV1 = 16;
constexpr std::size_t kProcessSizeV2 = 24;
constexpr std::size_t kProcessSize535 = 32;
static_assert(sizeof(ProcessHead) == kProcessSizeV1);

}  // namespace berth::device::nvml
