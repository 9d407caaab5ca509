// SPDX-License-Identifier: Apache-2.0
// Errors that a driver has reported (XID) count for a while, whatever the device's readings say:
// the child that heard of one may be replaced, and the next one knows nothing of it. Pure, no
// clock.
#pragma once

#include <map>
#include <string>

#include "base/time.h"
#include "model/device.h"

namespace berth::device {

class ReportedFailures {
 public:
  static constexpr base::Duration kFailedFor{600'000};

  /// Takes in a failure that the sample tells, and puts a known one into a sample that is healthy.
  void hold(model::Sample& sample);
  /// For kFailedFor from `now` on.
  void remember(const model::DeviceId& id, const std::string& reason, base::Time now) {
    failed_[id] = {reason, now + kFailedFor};
  }

 private:
  struct Failed {
    std::string reason;
    base::Time until{};
  };
  std::map<model::DeviceId, Failed> failed_;
};

}  // namespace berth::device
