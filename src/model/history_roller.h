// SPDX-License-Identifier: Apache-2.0
// Makes of a point each second those of the coarser steps. Pure: no clock, no I/O.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/history.h"

namespace berth::model {

class HistoryRoller {
 public:
  /// What the coarser steps that `now` falls into have had so far, from before a restart.
  void resume(const std::string& device, const HistoryPoint& point);

  /// A device's second; seconds must ascend. An earlier or the same one is passed over.
  void take(const std::string& device, const HistoryPoint& second);

  /// Everything that has changed since the last call: the seconds, and coarser points as far as
  /// they have come.
  struct Change {
    std::string device;
    HistoryPoint point;
  };
  std::vector<Change> changes();

 private:
  static constexpr std::size_t kCoarser = kHistorySteps.size() - 1;
  struct Device {
    std::int64_t last = 0;
    std::vector<HistoryPoint> seconds;
    std::array<std::optional<HistoryPoint>, kCoarser> open;
    std::vector<HistoryPoint> closed;
    bool changed = false;
  };
  std::map<std::string, Device> devices_;
};

}  // namespace berth::model
