// SPDX-License-Identifier: Apache-2.0
// What one needs to know of a machine's GPUs when they do not reach each other. Free of torch.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

struct GpuPlace {
  std::string name;              ///< "NVIDIA A100-SXM4-80GB"
  std::string bus;               ///< PCI address as sysfs has it, "0000:41:00.0"
  std::optional<int> numa_node;  ///< absent: the system does not say
  std::vector<bool> reaches;     ///< [other GPU]: whether it reads that one's memory itself
};

/// The GPUs that CUDA shows to this process; none without CUDA.
std::vector<GpuPlace> gpu_places();

/// From <sys>/bus/pci/devices/<bus>/numa_node.
std::optional<int> numa_node_of(const std::string& bus, const std::string& sys = "/sys");

/// "550.54.15" from the driver's own file; empty when there is none.
std::string nvidia_driver_version(const std::string& file = "/proc/driver/nvidia/version");

/// "cuda:0 ... on NUMA node 0, cuda:1 ... on NUMA node 1; no peer access: cuda:0-cuda:1".
std::string topology_text(const std::vector<GpuPlace>& gpus);

/// The whole message of a rank (of `size`, on the device with that torch name) whose exchange with
/// the others failed: the backend, the rank, the driver, the topology, and `what` went wrong.
std::string communication_failure(const std::string& backend, int rank, int size,
                                  const std::string& device, const std::string& what);

}  // namespace berth::runtime
