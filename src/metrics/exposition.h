// SPDX-License-Identifier: Apache-2.0
// Everything that GET /metrics tells: devices under the names of NVIDIA's DCGM exporter
// (github.com/NVIDIA/dcgm-exporter, etc/default-counters.csv), so that dashboards made for it show
// them; tasks, queue and the daemon under names of our own. The number of series depends on the
// machine, never on the number of tasks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "metrics/histogram.h"
#include "metrics/text.h"
#include "model/device.h"
#include "model/request.h"
#include "model/task.h"

namespace berth::metrics {

struct DeviceFigures {
  const model::Device* device = nullptr;
  const model::Sample* sample = nullptr;  // null: none yet
  bool takes_tasks = true;
  base::Bytes reserved;  // for tasks and leases
  std::map<model::Kind, int> running;
  std::map<model::Kind, int> limits;
};

/// What only grows, from the start of the daemon on.
struct TaskCounters {
  std::map<std::pair<model::Kind, model::TaskState>, std::uint64_t> ended;
  std::map<model::Kind, std::uint64_t> retried;
  std::map<model::Kind, Histogram> waited, ran;  // seconds in the queue, of each attempt
};

struct Figures {
  std::string host, version;
  std::vector<DeviceFigures> devices;
  std::map<std::pair<model::Kind, model::TaskState>, std::uint64_t> tasks;  // now
  const TaskCounters* counters = nullptr;
  std::uint64_t leases = 0;
  std::optional<double> oldest_wait_seconds;  // of those that wait
  std::uint64_t watchers = 0;
  bool ready = true;
  double start_time_seconds = 0;  // since 1970
};

/// `model_label`: also "modelName", as that exporter has it, which Prometheus' own check objects
/// to.
std::string exposition(const Figures& figures, bool model_label);

}  // namespace berth::metrics
