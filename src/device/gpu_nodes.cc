// SPDX-License-Identifier: Apache-2.0
#include "device/gpu_nodes.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <initializer_list>
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

/// The number of the character devices with one of these names.
std::optional<unsigned> major_of(const std::string& root,
                                 std::initializer_list<std::string_view> names) {
  const auto devices = base::read_file(root + "/proc/devices", kSmallFile);
  if (!devices) return std::nullopt;
  for (const auto& line : base::split(*devices, '\n')) {
    if (line.starts_with("Block devices")) break;
    const auto text = base::trim(line);
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) continue;
    const auto name = text.substr(blank + 1);
    if (std::find(names.begin(), names.end(), name) != names.end())
      return number(text.substr(0, blank));
  }
  return std::nullopt;
}

/// The number behind `key` in a file of lines.
std::optional<unsigned> number_in(const std::string& path, std::string_view key) {
  const auto text = base::read_file(path, kSmallFile);
  if (!text) return std::nullopt;
  for (const auto& line : base::split(*text, '\n')) {
    if (line.starts_with(key)) return number(base::trim(line.substr(key.size())));
  }
  return std::nullopt;
}

std::optional<unsigned> nvidia_minor(const std::string& root, const PciAddress& address) {
  return number_in(root + "/proc/driver/nvidia/gpus/" + to_text(address) + "/information",
                   "Device Minor:");
}

void add_capabilities(const std::string& root, unsigned gpu_minor, const model::MigInstance& mig,
                      std::vector<DeviceNode>& nodes) {
  const auto major = major_of(root, {"nvidia-caps"});
  if (!major) return;
  const std::string gpu_instance = root + "/proc/driver/nvidia/capabilities/gpu" +
                                   std::to_string(gpu_minor) + "/mig/gi" +
                                   std::to_string(mig.gpu_instance);
  for (const std::string& folder :
       {gpu_instance, gpu_instance + "/ci" + std::to_string(mig.compute_instance)}) {
    if (const auto minor = number_in(folder + "/access", "DeviceFileMinor:"))
      nodes.push_back(DeviceNode{*major, *minor});
  }
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
    const auto minor = nvidia_minor(root, *address);
    // "nvidia-frontend" is what older drivers call it.
    const auto major = minor ? major_of(root, {"nvidia", "nvidia-frontend"}) : std::nullopt;
    if (major && minor) nodes.push_back(DeviceNode{*major, *minor});
    if (minor && gpu.mig) add_capabilities(root, *minor, *gpu.mig, nodes);
  }
  add_drm_nodes(root, *address, nodes);
  return nodes;
}

std::optional<int> numa_node_of(const model::Device& gpu, const std::string& root) {
  const auto address = model::parse_pci(gpu.pci_bus_id);
  if (!address) return std::nullopt;
  const auto text =
      base::read_file(root + "/sys/bus/pci/devices/" + to_text(*address) + "/numa_node", 64);
  const auto node = text ? number(base::trim(*text)) : std::nullopt;  // -1: none
  return node ? std::optional<int>(static_cast<int>(*node)) : std::nullopt;
}

}  // namespace berth::device
