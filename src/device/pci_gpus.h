// SPDX-License-Identifier: Apache-2.0
// GPUs that are on the PCI bus, whether or not a driver knows them.
#pragma once

#include <string>
#include <vector>

#include "model/pci.h"

namespace berth::device {

struct PciGpu {
  model::PciAddress address;
  unsigned vendor = 0;
  unsigned product = 0;
  std::string driver;  ///< "nvidia", "nouveau", "vfio-pci"; empty: none
};

/// Display and 3D controllers (class 03) and accelerators (class 12) of all makers under
/// <root>/sys/bus/pci/devices, in order of the address.
std::vector<PciGpu> pci_gpus(const std::string& root);

}  // namespace berth::device
