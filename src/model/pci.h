// SPDX-License-Identifier: Apache-2.0
// A place on the PCI bus: what joins the names that drivers and the kernel have for one GPU.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace berth::model {

struct PciAddress {
  unsigned domain = 0, bus = 0, device = 0, function = 0;
  auto operator<=>(const PciAddress&) const = default;
};

/// "0000:17:00.0" as in sysfs, "00000000:17:00.0" as in NVML, any case.
std::optional<PciAddress> parse_pci(std::string_view text);
/// As in sysfs.
std::string to_text(const PciAddress& address);

}  // namespace berth::model
