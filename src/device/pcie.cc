// SPDX-License-Identifier: Apache-2.0
#include "device/pcie.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "device/drm/cards.h"

namespace berth::device {

namespace {

/// "16.0 GT/s PCIe" -> 4: the rates of generations 1 to 7.
std::optional<int> generation_of(const std::string& speed) {
  constexpr std::array kRates{2.5, 5.0, 8.0, 16.0, 32.0, 64.0, 128.0};
  const double rate = std::strtod(speed.c_str(), nullptr);
  for (std::size_t i = 0; i < kRates.size(); ++i) {
    if (std::abs(rate - kRates.at(i)) < 0.1) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

std::optional<model::PcieLink> link_of(const std::string& root, const model::PciAddress& address,
                                       const char* which) {
  const std::string stem = root + "/sys/bus/pci/devices/" + to_text(address) + '/' + which;
  const auto speed = drm::read_text(stem + "_link_speed");
  const auto width = drm::read_number(stem + "_link_width");
  const auto generation = speed ? generation_of(*speed) : std::nullopt;
  // Width 0 or 63: no PCI Express link, as on the processor's own graphics.
  if (!generation || !width || *width < 1 || *width > 32) return std::nullopt;
  return model::PcieLink{*generation, static_cast<int>(*width)};
}

}  // namespace

std::optional<model::PcieLink> current_pcie_link(const std::string& root,
                                                 const model::PciAddress& address) {
  return link_of(root, address, "current");
}

std::optional<model::PcieLink> most_pcie_link(const std::string& root,
                                              const model::PciAddress& address) {
  return link_of(root, address, "max");
}

}  // namespace berth::device
