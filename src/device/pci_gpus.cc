// SPDX-License-Identifier: Apache-2.0
#include "device/pci_gpus.h"

#include <algorithm>
#include <filesystem>

#include "device/drm/cards.h"

namespace berth::device {

std::vector<PciGpu> pci_gpus(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<PciGpu> found;
  std::error_code error;
  for (fs::directory_iterator entry(root + "/sys/bus/pci/devices", error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string folder = entry->path().string();
    const auto kind = drm::read_text(folder + "/class");
    if (!kind || (!kind->starts_with("0x03") && !kind->starts_with("0x12"))) continue;
    const auto address = model::parse_pci(entry->path().filename().string());
    const auto vendor = drm::read_id(folder + "/vendor");
    if (!address || !vendor) continue;
    std::error_code none;
    found.push_back({*address, *vendor, drm::read_id(folder + "/device").value_or(0),
                     fs::read_symlink(folder + "/driver", none).filename().string()});
  }
  std::sort(found.begin(), found.end(),
            [](const PciGpu& a, const PciGpu& b) { return a.address < b.address; });
  return found;
}

}  // namespace berth::device
