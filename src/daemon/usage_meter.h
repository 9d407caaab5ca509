// SPDX-License-Identifier: Apache-2.0
// What tasks use of their devices: memory, utilisation, energy, from the readings. Pure, no clock.
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/time.h"
#include "base/units.h"
#include "model/device.h"
#include "model/record.h"
#include "model/request.h"

namespace berth::daemon {

class UsageMeter {
 public:
  /// A task's part of what one of its devices was doing.
  struct Share {
    model::TaskId task;
    int attempt = 0;
    std::optional<base::Bytes> memory;  // of its processes
    std::optional<int> utilization;     // of its processes, percent of the device
  };
  struct DeviceUse {
    const model::Sample* sample = nullptr;
    std::vector<Share> shares;  // of all tasks that run there
  };

  /// All devices on which tasks run, about once a second. The time since the last call counts for
  /// what is seen now; a pause of more than kLongest (the machine slept, the driver hung) does not.
  /// A task alone on its device has used what the device shows. Several share its energy by their
  /// utilisation, where all of theirs is known, else equally.
  void take(const std::vector<DeviceUse>& uses, base::Time now);
  static constexpr base::Duration kLongest{5'000};

  /// Nothing where the task was not seen on a device.
  [[nodiscard]] std::optional<model::Usage> of(const model::TaskId& task, int attempt) const;
  /// All others are forgotten.
  void keep_only(const std::set<model::TaskId>& tasks) {
    std::erase_if(tasks_, [&](const auto& entry) { return !tasks.contains(entry.first); });
  }
  /// Goes on from what an earlier daemon had recorded.
  void resume(const model::TaskId& task, int attempt, const model::Usage& usage);

 private:
  /// Sums over time: value times seconds, and the seconds in which there was a value.
  struct Mean {
    double sum = 0, seconds = 0;
    void add(double value, double time) {
      sum += value * time;
      seconds += time;
    }
    [[nodiscard]] std::optional<double> value() const {
      return seconds > 0 ? std::optional(sum / seconds) : std::nullopt;
    }
  };
  struct Sums {
    int attempt = 0;
    double seconds = 0;
    std::optional<base::Bytes> peak;
    Mean memory, utilization;
    std::optional<double> energy_j;
  };
  /// Of one task in one call.
  struct Moment {
    int attempt = 0;
    int devices = 0, with_utilization = 0;
    double utilization = 0;
    std::optional<base::Bytes> memory;
    std::optional<double> energy_j;
  };
  std::optional<double> energy_since(const model::Sample& sample, double seconds);

  std::optional<base::Time> last_;
  std::map<model::DeviceId, std::int64_t> energy_;  // counters as they were, millijoules
  std::map<model::TaskId, Sums> tasks_;
};

}  // namespace berth::daemon
