// SPDX-License-Identifier: Apache-2.0
#include "device/reported_failures.h"

namespace berth::device {

void ReportedFailures::hold(model::Sample& sample) {
  if (sample.health == model::Health::kFailed && sample.health_reason.starts_with("XID")) {
    // The child says it again and again, for as long as it is its turn to know.
    Failed& known = failed_[sample.device];
    if (known.reason != sample.health_reason)
      known = {sample.health_reason, sample.taken + kFailedFor};
    return;
  }
  const auto known = failed_.find(sample.device);
  if (known == failed_.end()) return;
  if (sample.taken >= known->second.until) {
    failed_.erase(known);
  } else if (sample.health == model::Health::kHealthy) {
    sample.health = model::Health::kFailed;
    sample.health_reason = known->second.reason;
  }
}

}  // namespace berth::device
