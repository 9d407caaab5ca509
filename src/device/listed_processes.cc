// SPDX-License-Identifier: Apache-2.0
#include "device/listed_processes.h"

#include <algorithm>

namespace berth::device {

std::vector<model::DeviceProcess> described(
    std::map<int, model::DeviceProcess> found,
    const std::optional<std::vector<model::DeviceProcess>>& before, ProcessTable& table,
    bool verify) {
  std::vector<model::DeviceProcess> list;
  const auto by_pid = [](const auto& a, const auto& b) { return a.pid < b.pid; };
  for (auto& [pid, process] : found) {
    process.pid = pid;
    const bool stayed =
        before && std::binary_search(before->begin(), before->end(), process, by_pid);
    const ProcessText& text = table.describe(pid, verify || !stayed);
    process.command = text.command;
    process.user = text.user;
    process.container = text.container;
    process.state = text.state;
    list.push_back(std::move(process));
  }
  return list;
}

}  // namespace berth::device
