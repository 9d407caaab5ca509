// SPDX-License-Identifier: Apache-2.0
// What is seen of tasks and devices beside the scheduler: use, alarms, notices, figures for
// Prometheus. Loop thread only.
#pragma once

#include <map>
#include <string>

#include "daemon/config.h"
#include "daemon/device_alarms.h"
#include "daemon/device_feed.h"
#include "daemon/engine.h"
#include "daemon/notifier.h"
#include "daemon/usage_meter.h"
#include "metrics/exposition.h"

namespace berth::daemon {

class Observations {
 public:
  Observations(Engine& engine, const DeviceFeed& devices, const Config& config);

  void reconfigure(const Config& config);
  /// Each second. `task_by_pid`: processes of the newest readings that belong to tasks of ours.
  void look(const std::map<int, model::TaskId>& task_by_pid, base::Time now);
  [[nodiscard]] bool throttled(const model::Sample& sample) const {
    return is_throttled(sample, alarms_.thresholds());
  }

  void started(const model::TaskRecord& task, base::Time now);
  void tried_again(const model::TaskRecord& task) { ++counters_.retried[task.request.kind]; }
  /// A running one is taken over from an earlier daemon.
  void adopted(const model::TaskRecord& task) {
    if (task.usage) usage_.resume(task.id(), task.attempt, *task.usage);
  }
  /// An attempt is over: what it has used goes into its record.
  void attempt_ended(model::TaskRecord& task);
  /// After a crash of the daemon perhaps once more.
  void ended(const model::TaskRecord& task);
  void health_changed(const model::Sample& sample, base::Time now);

  /// Of this machine, as notices have it.
  [[nodiscard]] const std::string& host() const { return notifier_.host(); }

  /// The text of GET /metrics.
  [[nodiscard]] std::string metrics(std::size_t watchers, base::Time now, bool model_label) const;

 private:
  void measure(const std::map<int, model::TaskId>& task_by_pid, base::Time now);

  Engine& engine_;
  const DeviceFeed& devices_;
  UsageMeter usage_;
  DeviceAlarms alarms_;
  Notifier notifier_;
  metrics::TaskCounters counters_;
  base::Time begin_;
  int seconds_to_record_ = 0;
};

}  // namespace berth::daemon
