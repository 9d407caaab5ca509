// SPDX-License-Identifier: Apache-2.0
#include "device/gpu_nodes.h"

#include <charconv>
#include <filesystem>
#include <optional>

#include "base/fd.h"
#include "base/text.h"
#include "model/pci.h"

namespace berth::device {

namespace {

using model::DeviceNode;
using model::PciAddress;

constexpr std::size_t kSmallFile = 1U << 16U;

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// The character devices' number of "nvidia-frontend" or, as newer drivers call it, "nvidia".
std::optional<unsigned> nvidia_major(const std::string& root) {
  const auto devices = base::read_file(root + "/proc/devices", kSmallFile);
  if (!devices) return std::nullopt;
  for (const auto& line : base::split(*devices, '\n')) {
    if (line.starts_with("Block devices")) break;
    const auto text = base::trim(line);
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) continue;
    const auto name = text.substr(blank + 1);
    if (name == "nvidia" || name == "nvidia-frontend") return number(text.substr(0, blank));
  }
  return std::nullopt;
}

std::optional<unsigned> nvidia_minor(const std::string& root, const PciAddress& address) {
  const auto information = base::read_file(
      root + "/proc/driver/nvidia/gpus/" + to_text(address) + "/information", kSmallFile);
  if (!information) return std::nullopt;
  constexpr std::string_view kKey = "Device Minor:";
  for (const auto& line : base::split(*information, '\n')) {
    if (line.starts_with(kKey)) return number(base::trim(line.substr(kKey.size())));
  }
  return std::nullopt;
}

void add_drm_nodes(const std::string& root, const PciAddress& address,
                   std::vector<DeviceNode>& nodes) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::directory_iterator entry(root + "/sys/class/drm", error), end; !error && entry != end;
       entry.increment(error)) {
    // "card0-HDMI-A-1" and the like are connectors: their "device" is the card.
    std::error_code ignored;
    const auto device = fs::read_symlink(entry->path() / "device", ignored);
    if (ignored || model::parse_pci(device.filename().string()) != address) continue;
    const auto numbers = base::read_file((entry->path() / "dev").string(), kSmallFile);
    if (!numbers) continue;
    const auto parts = base::split(base::trim(*numbers), ':');
    if (parts.size() != 2) continue;
    const auto major = number(parts[0]);
    const auto minor = number(parts[1]);
    if (major && minor) nodes.push_back(DeviceNode{*major, *minor});
  }
}

}  // namespace

std::vector<model::DeviceNode> nodes_of(const model::Device& gpu, const std::string& root) {
  std::vector<DeviceNode> nodes;
  const auto address = model::parse_pci(gpu.pci_bus_id);
  if (!address) return nodes;
  if (gpu.vendor == model::Vendor::kNvidia) {
    const auto major = nvidia_major(root);
    const auto minor = nvidia_minor(root, *address);
    if (major && minor) nodes.push_back(DeviceNode{*major, *minor});
  }
  add_drm_nodes(root, *address, nodes);
  return nodes;
}

}  // namespace berth::device
