// SPDX-License-Identifier: Apache-2.0
#include "device/host/memory.h"

#include <algorithm>
#include <vector>

#include "base/fd.h"
#include "base/text.h"

namespace berth::device::host {

namespace {

using base::Bytes;

std::optional<std::int64_t> number_in(const std::string& path) {
  const auto text = base::read_kernel_file(path);
  return text ? base::parse_number(base::trim(*text)) : std::nullopt;
}

/// The number after `key` and blanks at the start of a line, as in /proc/meminfo and memory.stat.
std::optional<std::int64_t> field(const std::string& text, std::string_view key) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (line.starts_with(key)) {
      const auto rest = base::trim(line.substr(key.size()));
      return base::parse_number(rest.substr(0, rest.find(' ')));
    }
    begin = end + 1;
  }
  return std::nullopt;
}

/// "/a/b" -> {"/a/b", "/a", ""}: a limit may sit at any level.
std::vector<std::string> upwards(std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  std::vector<std::string> levels{path};
  while (!path.empty()) {
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    levels.push_back(path);
  }
  return levels;
}

void tighten_processors(CgroupLimits& limits, std::optional<std::int64_t> quota,
                        std::optional<std::int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return;
  const double processors = static_cast<double>(*quota) / static_cast<double>(*period);
  limits.processors = std::min(limits.processors.value_or(processors), processors);
}

void tighten_memory(CgroupLimits& limits, std::optional<std::int64_t> limit,
                    std::optional<std::int64_t> used, const std::string& stat_path,
                    std::string_view cache_key) {
  // Version 1 writes "no limit" as a number near 2^63.
  constexpr std::int64_t kNoLimit = std::int64_t{1} << 60U;
  if (!limit || !used || *limit >= kNoLimit) return;
  const auto stat = base::read_kernel_file(stat_path, 65536);
  const std::int64_t cache = stat ? field(*stat, cache_key).value_or(0) : 0;
  const std::int64_t left =
      std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, *used - cache));
  Memory memory{Bytes{*limit}, Bytes{std::min(left, *limit)}};
  if (limits.memory) {
    memory.total = std::min(memory.total, limits.memory->total);
    memory.available = std::min(memory.available, limits.memory->available);
  }
  limits.memory = memory;
}

void read_processors_v2(CgroupLimits& limits, const std::string& folder) {
  if (const auto text = base::read_kernel_file(folder + "/cpu.max")) {
    const auto parts = base::split(base::trim(*text), ' ');
    if (parts.size() == 2) {
      tighten_processors(limits, base::parse_number(parts[0]), base::parse_number(parts[1]));
    }
  }
}

void read_processors_v1(CgroupLimits& limits, const std::string& folder) {
  tighten_processors(limits, number_in(folder + "/cpu.cfs_quota_us"),
                     number_in(folder + "/cpu.cfs_period_us"));
}

void read_memory_v1(CgroupLimits& limits, const std::string& folder) {
  tighten_memory(limits, number_in(folder + "/memory.limit_in_bytes"),
                 number_in(folder + "/memory.usage_in_bytes"), folder + "/memory.stat",
                 "total_inactive_file ");
}

void read_memory_v2(CgroupLimits& limits, const std::string& folder) {
  tighten_memory(limits, number_in(folder + "/memory.max"), number_in(folder + "/memory.current"),
                 folder + "/memory.stat", "inactive_file ");
}

}  // namespace

std::optional<Memory> read_memory(const std::string& root) {
  const auto text = base::read_kernel_file(root + "/proc/meminfo", 16384);
  if (!text) return std::nullopt;
  const auto total = field(*text, "MemTotal:");
  const auto available = field(*text, "MemAvailable:");
  if (!total || !available) return std::nullopt;
  return Memory{Bytes{*total * 1024}, Bytes{std::min(*available, *total) * 1024}};
}

CgroupLimits read_cgroup_limits(const std::string& root, Limited what) {
  CgroupLimits limits;
  const auto membership = base::read_kernel_file(root + "/proc/self/cgroup", 16384);
  if (!membership) return limits;
  const std::string tree = root + "/sys/fs/cgroup";
  for (const std::string& line : base::split(*membership, '\n')) {
    // "<hierarchy>:<controllers>:<path>"; the path may hold colons.
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers =
        base::split(std::string_view(line).substr(first + 1, second - first - 1), ',');
    const std::string path = line.substr(second + 1);
    const auto has = [&](const char* name) {
      return std::find(controllers.begin(), controllers.end(), name) != controllers.end();
    };
    for (const std::string& level : upwards(path)) {
      if (has("")) read_memory_v2(limits, tree + level);
      if (has("memory")) read_memory_v1(limits, tree + "/memory" + level);
      if (what == Limited::kMemory) continue;
      if (has("")) read_processors_v2(limits, tree + level);
      if (has("cpu")) read_processors_v1(limits, tree + "/cpu" + level);
    }
  }
  return limits;
}

}  // namespace berth::device::host
