// SPDX-License-Identifier: Apache-2.0
#include "runtime/numa.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>

namespace berth::runtime {
namespace {

constexpr int kMostNodes = 1024;

/// "," between, every part read by `take`; false when one of them cannot be.
template <typename Take>
bool for_parts(std::string_view text, Take take) {
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (!take(text.substr(0, comma))) return false;
    if (comma == text.size()) return true;
    text.remove_prefix(comma + 1);
    if (text.empty()) return false;
  }
  return true;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

}  // namespace

std::optional<cpu_set_t> parse_cpu_list(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool well = for_parts(text, [&](std::string_view part) {
    const size_t dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= CPU_SETSIZE) return false;
    for (int cpu = *first; cpu <= *last; ++cpu) CPU_SET(cpu, &set);
    return true;
  });
  if (!well) return std::nullopt;
  return set;
}

std::vector<int> numa_nodes() {
  const char* text = std::getenv("BERTH_NUMA_NODES");
  std::vector<int> nodes;
  if (text == nullptr) return nodes;
  const bool well = for_parts(text, [&](std::string_view part) {
    const auto node = number(part);
    if (!node || *node >= kMostNodes) return false;
    nodes.push_back(*node);
    return true;
  });
  if (!well) nodes.clear();
  return nodes;
}

std::optional<int> own_numa_node() {
  const std::vector<int> nodes = numa_nodes();
  if (nodes.empty()) return std::nullopt;
  if (const char* rank = std::getenv("BERTH_RANK")) {
    const auto place = number(rank);
    if (place && static_cast<size_t>(*place) < nodes.size())
      return nodes[static_cast<size_t>(*place)];
  }
  const bool same = std::all_of(nodes.begin(), nodes.end(), [&](int n) { return n == nodes[0]; });
  return same ? std::optional(nodes[0]) : std::nullopt;
}

bool bind_to_numa_node(const std::string& sysfs) {
  const auto node = own_numa_node();
  if (!node) return false;
  std::ifstream file(sysfs + "/devices/system/node/node" + std::to_string(*node) + "/cpulist");
  std::string line;
  if (!std::getline(file, line)) return false;
  auto near = parse_cpu_list(line);
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (!near || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  CPU_AND(&*near, &*near, &allowed);
  if (CPU_COUNT(&*near) == 0 || ::sched_setaffinity(0, sizeof *near, &*near) != 0) return false;
  // Only a preference: a node that is full must not end the task. Containers may forbid the call.
  constexpr unsigned kBits = 8 * sizeof(unsigned long);
  unsigned long mask[kMostNodes / kBits] = {};
  mask[static_cast<unsigned>(*node) / kBits] = 1UL << (static_cast<unsigned>(*node) % kBits);
  ::syscall(SYS_set_mempolicy, MPOL_PREFERRED, mask, static_cast<unsigned long>(kMostNodes));
  return true;
}

}  // namespace berth::runtime
