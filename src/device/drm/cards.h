// SPDX-License-Identifier: Apache-2.0
// Graphics cards as the kernel lists them in <root>/sys/class/drm, and the values of their files.
// Reading such a file may block in its driver, so this is for back ends only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/pci.h"

namespace berth::device::drm {

struct Card {
  unsigned number = 0;  ///< of /dev/dri/cardN; there may be holes, and a reload changes it
  model::PciAddress address;
  unsigned vendor = 0;   ///< PCI id: 0x1002 AMD, 0x8086 Intel
  unsigned product = 0;  ///< PCI id
  std::string driver;    ///< "amdgpu", "i915", "xe"
  std::string folder;    ///< of the card's own files: .../cardN
  std::string device;    ///< of the PCI device's: .../cardN/device

  bool operator==(const Card&) const = default;
};

/// Those of a vendor with a PCI address and a driver, in order of the address.
std::vector<Card> cards(const std::string& root, unsigned vendor);

/// A file's text without blanks around it.
std::optional<std::string> read_text(const std::string& path);
/// "0x1002", as the PCI files have it.
std::optional<unsigned> read_id(const std::string& path);
/// A file's decimal number.
std::optional<std::int64_t> read_number(const std::string& path);
/// The number behind `key` in a file of lines "key value" (or "key: value").
std::optional<std::int64_t> read_number(const std::string& path, std::string_view key);

/// Where a device's hwmon files lie: <device>/hwmon/hwmonN. Empty when there are none.
std::string hwmon_folder(const std::string& device);
/// The file hwmon's `kind`N_input whose `kind`N_label is one of `labels`, the first that there is:
/// "temp", {"edge", "junction"} gives .../temp1_input.
std::optional<std::int64_t> read_hwmon(const std::string& folder, std::string_view kind,
                                       const std::vector<std::string_view>& labels);

/// What the kernel counts in thousandths and millionths, in whole units.
inline std::optional<int> narrow(std::optional<std::int64_t> number, std::int64_t divisor = 1) {
  return number ? std::optional(static_cast<int>(*number / divisor)) : std::nullopt;
}
inline std::optional<double> watts(std::optional<std::int64_t> microwatts) {
  return microwatts ? std::optional(static_cast<double>(*microwatts) / 1e6) : std::nullopt;
}

}  // namespace berth::device::drm
