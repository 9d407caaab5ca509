// SPDX-License-Identifier: Apache-2.0
// How a device is connected, from <root>/sys/bus/pci/devices.
#pragma once

#include <optional>
#include <string>

#include "model/device.h"
#include "model/pci.h"

namespace berth::device {

/// Now: links of idle devices are slower to save power.
std::optional<model::PcieLink> current_pcie_link(const std::string& root,
                                                 const model::PciAddress& address);
/// What device and slot can do at most.
std::optional<model::PcieLink> most_pcie_link(const std::string& root,
                                              const model::PciAddress& address);

}  // namespace berth::device
