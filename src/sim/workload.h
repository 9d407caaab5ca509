// SPDX-License-Identifier: Apache-2.0
// Tasks that nobody wants to run: drawn from a seed, with the statistics of published traces.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "model/request.h"
#include "sim/fleet.h"

namespace berth::sim {

/// How a task will end, should nothing happen to its device.
enum class Ending : std::uint8_t { kCompleted, kFailed, kCancelled };

struct Job {
  std::int64_t arrival_ms = 0;   // since the begin of the simulation
  std::int64_t duration_ms = 0;  // on a device of the fleet's mean speed
  base::Bytes memory;            // per device; 0: nothing is said, the device to itself
  int gpus = 1;
  int user = 0;
  model::Kind kind = model::Kind::kCommand;
  Ending ending = Ending::kCompleted;
  std::uint8_t utilization = 0;  // of the compute units while it runs, in percent
};

struct SizeShare {
  int gpus;
  double share;
};

/// What a trace looks like; every figure has its source in workload.cc.
struct Profile {
  std::string_view name;
  std::string_view source;
  std::vector<SizeShare> sizes;
  double sharing = 0;  // of the tasks with one GPU that name an amount of memory
  /// Log-normal with this median for one GPU, which grows with the power `growth` of their number;
  /// or, where `sigma` is 0, the duration is 10^x minutes, x uniform in one of two ranges.
  double median_s = 0, growth = 0, sigma = 0;
  double completed = 1, failed = 0;  // the rest is cancelled
  int users = 1;
};

const std::vector<Profile>& profiles();
base::Result<Profile> find_profile(std::string_view name);

struct Demand {
  std::int64_t tasks = 10'000;
  double load = 0.85;  // demanded device time / device time that is there, until the last arrival
  double cycle = 0.5;  // amplitude of the daily cycle: 0 none, 1 nobody comes at the quietest hour
  std::uint64_t seed = 1;
  int largest = 0;  // most GPUs of a task; 0: an eighth of the fleet, but 4 at least
};

/// In order of arrival. What asks for more GPUs than Demand::largest, or than there are, gets so
/// many.
std::vector<Job> make_jobs(const Profile& profile, const Demand& demand, const Fleet& fleet);

/// How much of a device a job occupies: 1 for one that has it to itself.
double device_share(const Job& job, const Fleet& fleet);

}  // namespace berth::sim
