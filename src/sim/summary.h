// SPDX-License-Identifier: Apache-2.0
// What a run was like for those who waited and for those who paid for the devices.
#pragma once

#include <cstdint>
#include <vector>

#include "base/json.h"
#include "sim/simulation.h"
#include "sim/workload.h"

namespace berth::sim {

struct Spread {
  double mean = 0, p50 = 0, p95 = 0, p99 = 0;
};

struct Summary {
  std::int64_t tasks = 0, completed = 0, failed = 0, cancelled = 0, refused = 0;
  std::int64_t never_started = 0;  // the run was over and they still waited
  std::int64_t starved = 0;        // waited longer than the limit, or never started
  Spread wait_s;                   // of those that started
  Spread wait_wide_s;              // of those on more than one device
  Spread slowdown;                 // bounded: see slowdown_of()
  double device_utilization = 0, memory_utilization = 0;
  double fairness = 0;
  double makespan_s = 0, last_arrival_s = 0;
  std::int64_t most_waiting = 0, device_failures = 0, steps = 0;
};

/// The value below which `percent` of the sorted values lie (nearest rank).
double percentile(const std::vector<double>& sorted, int percent);

/// Jain's index: (sum x)^2 / (n * sum x^2), 1 when all are equal, 1/n when one has everything.
/// Jain, Chiu and Hawe, "A Quantitative Measure of Fairness and Discrimination for Resource
/// Allocation in Shared Computer Systems", DEC Research Report TR-301, 1984. 1 for no values.
double jain_index(const std::vector<double>& shares);

/// (wait + run) / max(run, 10 s), at least 1. The bound keeps tasks of a second from deciding about
/// the mean; Feitelson and Rudolph, "Metrics and Benchmarking for Parallel Job Scheduling", 1998.
double slowdown_of(double wait_s, double run_s);

Summary summarize(const std::vector<Job>& jobs, const Result& result, base::Duration starved_after);

base::json::object to_json(const Summary& summary);

}  // namespace berth::sim
