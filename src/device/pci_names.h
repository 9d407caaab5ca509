// SPDX-License-Identifier: Apache-2.0
// What a PCI device is called, from the list that distributions install (package pci.ids).
#pragma once

#include <optional>
#include <string>

namespace berth::device {

/// 0x1002, 0x73bf: "Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]". `root` precedes /usr/share.
std::optional<std::string> pci_name(const std::string& root, unsigned vendor, unsigned product);

/// "1002:73bf"
std::string pci_ids(unsigned vendor, unsigned product);

}  // namespace berth::device
