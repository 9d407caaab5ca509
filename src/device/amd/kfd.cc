// SPDX-License-Identifier: Apache-2.0
#include "device/amd/kfd.h"

#include <filesystem>

#include "base/text.h"
#include "device/drm/cards.h"

namespace berth::device::amd {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kXgmi = 11;  // CRAT_IOLINK_TYPE_XGMI of the kernel's kfd_crat.h

/// The names in a folder that are numbers; nothing when it is not there.
std::optional<std::vector<int>> numbers_in(const std::string& folder) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error) return std::nullopt;
  std::vector<int> numbers;
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (const auto number = base::parse_number(entry->path().filename().string()))
      numbers.push_back(static_cast<int>(*number));
  }
  return numbers;
}

/// gfx_target_version is major * 10000 + minor * 100 + stepping.
std::optional<std::string> architecture_of(std::optional<std::int64_t> version) {
  if (!version || *version <= 0) return std::nullopt;
  return std::to_string(*version / 10'000) + '.' + std::to_string(*version / 100 % 100);
}

std::map<int, int> xgmi_of(const std::string& node) {
  std::map<int, int> links;
  for (const int link : numbers_in(node + "/io_links").value_or(std::vector<int>{})) {
    const std::string file = node + "/io_links/" + std::to_string(link) + "/properties";
    const auto to = drm::read_number(file, "node_to");
    if (to && drm::read_number(file, "type") == kXgmi) ++links[static_cast<int>(*to)];
  }
  return links;
}

}  // namespace

std::vector<KfdNode> kfd_nodes(const std::string& root) {
  std::vector<KfdNode> nodes;
  const std::string all = root + "/sys/class/kfd/kfd/topology/nodes";
  for (const int number : numbers_in(all).value_or(std::vector<int>{})) {
    const std::string folder = all + '/' + std::to_string(number);
    const std::string file = folder + "/properties";
    const auto location = drm::read_number(file, "location_id");
    const auto gpu_id = drm::read_text(folder + "/gpu_id");
    if (!location || !gpu_id || *gpu_id == "0") continue;  // 0: processors
    KfdNode node;
    node.number = number;
    node.gpu_id = *gpu_id;
    node.address.domain = static_cast<unsigned>(drm::read_number(file, "domain").value_or(0));
    node.address.bus = static_cast<unsigned>(*location >> 8) & 0xFFU;
    node.address.device = static_cast<unsigned>(*location >> 3) & 0x1FU;
    node.address.function = static_cast<unsigned>(*location) & 0x7U;
    const auto clock = drm::read_number(file, "max_engine_clk_fcompute");
    if (clock && *clock > 0) node.max_clock_mhz = static_cast<int>(*clock);
    node.architecture = architecture_of(drm::read_number(file, "gfx_target_version"));
    node.shares_memory = drm::read_number(file, "cpu_cores_count").value_or(0) > 0;
    node.xgmi = xgmi_of(folder);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::optional<std::map<int, base::Bytes>> kfd_processes(const std::string& root,
                                                        const std::string& gpu_id) {
  const std::string all = root + "/sys/class/kfd/kfd/proc";
  const auto pids = numbers_in(all);
  if (!pids) return std::nullopt;
  std::map<int, base::Bytes> held;
  for (const int pid : *pids) {
    const auto bytes =
        drm::read_number(all + '/' + std::to_string(pid) + "/vram_" + gpu_id);  // none: not on it
    if (bytes) held[pid] = base::Bytes{*bytes};
  }
  return held;
}

}  // namespace berth::device::amd
