// SPDX-License-Identifier: Apache-2.0
#include "model/history_roller.h"

namespace berth::model {

namespace {

std::int64_t begin_of(std::int64_t at, std::int64_t step) { return at - at % step; }

}  // namespace

void HistoryRoller::resume(const std::string& device, const HistoryPoint& point) {
  for (std::size_t i = 0; i < kCoarser; ++i) {
    if (kHistorySteps.at(i + 1).seconds != point.step) continue;
    auto& open = devices_[device].open.at(i);
    if (!open) {
      open = point;
    } else if (open->at == point.at) {
      add(*open, point);
    }
  }
}

void HistoryRoller::take(const std::string& name, const HistoryPoint& second) {
  Device& device = devices_[name];
  if (second.at <= device.last) return;
  device.last = second.at;
  device.seconds.push_back(second);
  device.changed = true;
  for (std::size_t i = 0; i < kCoarser; ++i) {
    auto& open = device.open.at(i);
    const std::int64_t step = kHistorySteps.at(i + 1).seconds;
    const std::int64_t begin = begin_of(second.at, step);
    if (open && open->at != begin) {
      device.closed.push_back(*open);
      open.reset();
    }
    if (!open) open = HistoryPoint{begin, step, 0, {}};
    add(*open, second);
  }
}

std::vector<HistoryRoller::Change> HistoryRoller::changes() {
  std::vector<Change> all;
  for (auto& [name, device] : devices_) {
    if (!device.changed) continue;
    device.changed = false;
    for (const auto& point : device.closed) all.push_back({name, point});
    for (const auto& point : device.seconds) all.push_back({name, point});
    for (const auto& point : device.open) {
      if (point) all.push_back({name, *point});
    }
    device.closed.clear();
    device.seconds.clear();
  }
  return all;
}

}  // namespace berth::model
