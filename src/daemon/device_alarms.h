// SPDX-License-Identifier: Apache-2.0
// Devices that are too hot or take too much power, and processes that hold memory which they do not
// use. Pure, asked about once a second; no clock. Loop thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "daemon/notice.h"
#include "model/device.h"

namespace berth::daemon {

/// The driver slows it down for its heat, for want of power, or it is hotter than `thresholds`
/// allow: everything else is a better place for a task.
bool is_throttled(const model::Sample& sample, const Thresholds& thresholds);

class DeviceAlarms {
 public:
  struct Look {
    const model::Device* device = nullptr;
    const model::Sample* sample = nullptr;
    std::map<int, std::string> task_by_pid;  // of ours
  };

  void set_thresholds(const Thresholds& thresholds) { thresholds_ = thresholds; }
  [[nodiscard]] const Thresholds& thresholds() const { return thresholds_; }

  /// Each alarm once: again only after the value was below the threshold by kMargin for kSettled,
  /// or, of a process, after it has used the device.
  std::vector<Notice> look(const std::vector<Look>& looks, base::Time now);

  /// A value counts when it has been beyond for so long: a peak of one reading is no news.
  static constexpr base::Duration kSettled{10'000};
  static constexpr double kMargin = 0.05;  // of the threshold
  /// A context of some driver and a desktop hold less than that.
  static constexpr base::Bytes kHeld{256LL << 20};

 private:
  struct Level {
    std::optional<base::Time> since;  // that it is on the other side
    bool raised = false;
  };
  struct Idle {
    base::Time since{};
    bool told = false;
  };
  using Holder = std::pair<model::DeviceId, int>;
  bool crosses(Level& level, double value, double threshold, base::Time now) const;
  void look_at_levels(const Look& look, base::Time now, std::vector<Notice>* notices);
  void look_at_holders(const Look& look, base::Time now, std::set<Holder>* seen,
                       std::vector<Notice>* notices);

  Thresholds thresholds_;
  std::map<model::DeviceId, Level> heat_, power_;
  std::map<Holder, Idle> idle_;
};

}  // namespace berth::daemon
