// SPDX-License-Identifier: Apache-2.0
// AMD's compute driver in <root>/sys/class/kfd/kfd: its GPUs, how they are linked, and who computes
// on them. It needs no ROCm.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "model/pci.h"

namespace berth::device::amd {

struct KfdNode {
  int number = 0;      ///< in the topology
  std::string gpu_id;  ///< the driver's, in names of files
  model::PciAddress address;
  std::optional<int> max_clock_mhz;
  std::optional<std::string> architecture;  ///< "9.4" of gfx942, as PyTorch's device capability
  bool shares_memory = false;               ///< an APU: what processors and GPU have is the same
  std::map<int, int> xgmi;                  ///< number of another node: links to it
};

std::vector<KfdNode> kfd_nodes(const std::string& root);

/// Memory on the GPU by pid; nothing without the driver's folder.
std::optional<std::map<int, base::Bytes>> kfd_processes(const std::string& root,
                                                        const std::string& gpu_id);

}  // namespace berth::device::amd
