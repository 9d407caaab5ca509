// SPDX-License-Identifier: Apache-2.0
#include "sim/summary.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace berth::sim {

namespace {

Spread spread(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += value;
  return {sum / static_cast<double>(values.size()), percentile(values, 50), percentile(values, 95),
          percentile(values, 99)};
}

// Of a user's time with Berth, the part in which the tasks ran.
struct Served {
  double run = 0, total = 0;
};

double rounded(double value) { return std::round(value * 10'000) / 10'000; }

base::json::object to_json(const Spread& spread) {
  return {{"mean", rounded(spread.mean)},
          {"p50", rounded(spread.p50)},
          {"p95", rounded(spread.p95)},
          {"p99", rounded(spread.p99)}};
}

void count_ending(const Outcome& outcome, Summary& summary) {
  if (outcome.refused) {
    ++summary.refused;
  } else if (outcome.state == model::TaskState::kCompleted) {
    ++summary.completed;
  } else if (outcome.state == model::TaskState::kFailed) {
    ++summary.failed;
  } else if (outcome.state == model::TaskState::kCancelled) {
    ++summary.cancelled;
  }
}

}  // namespace

double percentile(const std::vector<double>& sorted, int percent) {
  if (sorted.empty()) return 0;
  const std::size_t rank = (sorted.size() * static_cast<std::size_t>(percent) + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

double jain_index(const std::vector<double>& shares) {
  double sum = 0, squares = 0;
  for (const double share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1;
}

double slowdown_of(double wait_s, double run_s) {
  return std::max(1.0, (wait_s + run_s) / std::max(run_s, 10.0));
}

Summary summarize(const std::vector<Job>& jobs, const Result& result,
                  base::Duration starved_after) {
  Summary summary;
  std::vector<double> waits, wide, slowdowns;
  std::map<int, Served> users;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Job& job = jobs[i];
    const Outcome& outcome = result.outcomes[i];
    ++summary.tasks;
    count_ending(outcome, summary);
    if (outcome.refused) continue;
    if (outcome.started_ms < 0) {
      ++summary.never_started;
      ++summary.starved;
      continue;
    }
    const std::int64_t wait_ms = outcome.started_ms - job.arrival_ms;
    if (wait_ms > starved_after.count()) ++summary.starved;
    const double wait = static_cast<double>(wait_ms) / 1000;
    const double run = static_cast<double>(outcome.ran_ms) / 1000;
    waits.push_back(wait);
    if (job.gpus > 1) wide.push_back(wait);
    slowdowns.push_back(slowdown_of(wait, run));
    Served& served = users[job.user];
    served.run += run;
    served.total += wait + run;
  }
  std::vector<double> shares;
  for (const auto& [user, served] : users)
    if (served.total > 0) shares.push_back(served.run / served.total);
  summary.fairness = jain_index(shares);
  summary.wait_s = spread(std::move(waits));
  summary.wait_wide_s = spread(std::move(wide));
  summary.slowdown = spread(std::move(slowdowns));
  summary.device_utilization = result.device_utilization;
  summary.memory_utilization = result.memory_utilization;
  summary.makespan_s = static_cast<double>(result.makespan_ms) / 1000;
  summary.last_arrival_s = static_cast<double>(result.last_arrival_ms) / 1000;
  summary.most_waiting = static_cast<std::int64_t>(result.most_waiting);
  summary.device_failures = result.device_failures;
  summary.steps = result.steps;
  return summary;
}

base::json::object to_json(const Summary& summary) {
  return {{"tasks", summary.tasks},
          {"completed", summary.completed},
          {"failed", summary.failed},
          {"cancelled", summary.cancelled},
          {"refused", summary.refused},
          {"never_started", summary.never_started},
          {"starved", summary.starved},
          {"wait_s", to_json(summary.wait_s)},
          {"wait_several_devices_s", to_json(summary.wait_wide_s)},
          {"slowdown", to_json(summary.slowdown)},
          {"device_utilization", rounded(summary.device_utilization)},
          {"memory_utilization", rounded(summary.memory_utilization)},
          {"fairness", rounded(summary.fairness)},
          {"makespan_s", summary.makespan_s},
          {"last_arrival_s", summary.last_arrival_s},
          {"most_waiting", summary.most_waiting},
          {"device_failures", summary.device_failures},
          {"steps", summary.steps}};
}

}  // namespace berth::sim
