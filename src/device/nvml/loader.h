// SPDX-License-Identifier: Apache-2.0
// Opens NVIDIA's management library and finds its functions, newest name first. Every function is
// optional: a null pointer means that this driver does not have it, and the reading is absent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "device/nvml/abi.h"

namespace berth::device::nvml {

/// One of the three process lists: its function and the size of the entries it writes.
struct ProcessCall {
  int (*call)(DeviceHandle, unsigned* count, void* entries) = nullptr;
  std::size_t entry_size = 0;
};

struct Functions {
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  const char* (*error_string)(int) = nullptr;
  int (*driver_version)(char*, unsigned) = nullptr;
  int (*cuda_driver_version)(int*) = nullptr;
  int (*device_count)(unsigned*) = nullptr;
  int (*handle_by_index)(unsigned, DeviceHandle*) = nullptr;
  int (*uuid)(DeviceHandle, char*, unsigned) = nullptr;
  int (*name)(DeviceHandle, char*, unsigned) = nullptr;
  int (*pci_info)(DeviceHandle, PciAddress*) = nullptr;
  int (*compute_capability)(DeviceHandle, int*, int*) = nullptr;
  int (*memory_v2)(DeviceHandle, MemoryV2*) = nullptr;
  int (*memory_v1)(DeviceHandle, MemoryV1*) = nullptr;
  int (*mig_mode)(DeviceHandle, unsigned* current, unsigned* pending) = nullptr;
  int (*most_instances)(DeviceHandle, unsigned*) = nullptr;
  int (*instance_by_index)(DeviceHandle, unsigned, DeviceHandle*) = nullptr;
  int (*gpu_instance_id)(DeviceHandle, unsigned*) = nullptr;
  int (*compute_instance_id)(DeviceHandle, unsigned*) = nullptr;
  int (*common_ancestor)(DeviceHandle, DeviceHandle, int* level) = nullptr;
  int (*nvlink_state)(DeviceHandle, unsigned link, unsigned* active) = nullptr;
  int (*nvlink_peer)(DeviceHandle, unsigned link, PciAddress*) = nullptr;
  int (*p2p_status)(DeviceHandle, DeviceHandle, int capability, int* status) = nullptr;
  int (*utilization)(DeviceHandle, Utilization*) = nullptr;
  int (*temperature)(DeviceHandle, unsigned sensor, unsigned*) = nullptr;
  int (*temperature_v)(DeviceHandle, TemperatureV1*) = nullptr;
  int (*power_usage)(DeviceHandle, unsigned* milliwatts) = nullptr;
  int (*enforced_power_limit)(DeviceHandle, unsigned*) = nullptr;
  int (*power_limit)(DeviceHandle, unsigned*) = nullptr;
  int (*clock)(DeviceHandle, unsigned type, unsigned* mhz) = nullptr;
  int (*max_clock)(DeviceHandle, unsigned type, unsigned* mhz) = nullptr;
  int (*cores)(DeviceHandle, unsigned* count) = nullptr;
  int (*memory_bus)(DeviceHandle, unsigned* bits) = nullptr;
  int (*fan_speed)(DeviceHandle, unsigned* percent) = nullptr;
  int (*encoder)(DeviceHandle, unsigned* percent, unsigned* period_us) = nullptr;
  int (*decoder)(DeviceHandle, unsigned* percent, unsigned* period_us) = nullptr;
  int (*energy)(DeviceHandle, unsigned long long* millijoules) = nullptr;
  int (*ecc_errors)(DeviceHandle, int kind, int counter, unsigned long long* count) = nullptr;
  int (*clock_reasons)(DeviceHandle, unsigned long long* bits) = nullptr;
  int (*field_values)(DeviceHandle, int count, FieldValue* values) = nullptr;
  int (*pcie_generation)(DeviceHandle, unsigned*) = nullptr;
  int (*pcie_width)(DeviceHandle, unsigned*) = nullptr;
  int (*process_utilization)(DeviceHandle, ProcessUtilization*, unsigned* count,
                             unsigned long long since_us) = nullptr;
  int (*event_set)(EventSet*) = nullptr;
  int (*free_event_set)(EventSet) = nullptr;
  int (*register_events)(DeviceHandle, unsigned long long types, EventSet) = nullptr;
  int (*wait_event)(EventSet, Event*, unsigned timeout_ms) = nullptr;
  ProcessCall compute_processes;
  ProcessCall graphics_processes;
  ProcessCall mps_processes;
};

/// The opened library. Unloads it when destroyed; does not call init or shutdown by itself.
class Library {
 public:
  /// `path` empty: "libnvidia-ml.so.1" by the dynamic linker's rules. kNotFound when it cannot be
  /// opened, with the linker's words; kUnavailable when it has not even init, count and handles.
  static base::Result<std::unique_ptr<Library>> open(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  [[nodiscard]] const Functions& functions() const { return functions_; }
  /// The driver's own words for a return code, else its number.
  [[nodiscard]] std::string words(int code) const;

 private:
  explicit Library(void* handle) : handle_(handle) {}
  void find_all();
  template <class Slot>
  int find(Slot& slot, std::initializer_list<const char*> names);
  void find_processes(ProcessCall& call, const char* v3, const char* v2, const char* v1);

  void* handle_;
  Functions functions_;
};

}  // namespace berth::device::nvml
