// SPDX-License-Identifier: Apache-2.0
// berth-sim: one run per policy on the same tasks, several at a time.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/fd.h"
#include "sim/options.h"
#include "sim/replay.h"
#include "sim/report.h"

namespace berth::sim {
namespace {

constexpr std::size_t kLargestSnapshot = 4ULL << 30;

int refuse(const base::Error& error) {
  std::fprintf(stderr, "berth-sim: %s\n", error.message.c_str());
  return base::row(error.code).exit_status;
}

base::Result<Replay> read_replay(const Options& options, const Profile& profile) {
  const auto text = base::read_file(options.snapshot, kLargestSnapshot);
  if (!text) return base::fail(text.error());
  const auto parsed = base::parse_json(*text);
  if (!parsed || !parsed->is_object()) {
    return base::fail(base::ErrorCode::kBadRequest,
                      options.snapshot + " is no snapshot: it must be one JSON object");
  }
  return make_replay(parsed->as_object(), options.each, profile, options.demand.seed,
                     options.policies);
}

struct Plan {
  Fleet fleet;
  std::vector<Job> jobs;
  std::vector<core::TaskId> ids;    // of a snapshot
  std::vector<core::State> starts;  // of a snapshot, per policy
};

base::Result<Plan> make_plan(const Options& options) {
  const auto profile = find_profile(options.profile);
  if (!profile) return base::fail(profile.error());
  if (!options.snapshot.empty()) {
    auto replay = read_replay(options, *profile);
    if (!replay) return base::fail(replay.error());
    return Plan{std::move(replay->fleet), std::move(replay->jobs), std::move(replay->ids),
                std::move(replay->starts)};
  }
  auto fleet = make_fleet(options.fleet, options.devices);
  if (!fleet) return base::fail(fleet.error());
  auto jobs = make_jobs(*profile, options.demand, *fleet);
  return Plan{std::move(*fleet), std::move(jobs), {}, {}};
}

Row run_one(const Options& options, const Plan& plan, std::size_t index) {
  const auto begin = std::chrono::steady_clock::now();
  Conditions conditions = options.conditions;
  conditions.policy = options.policies[index];
  if (!plan.starts.empty()) {
    conditions.start = &plan.starts[index];
    conditions.ids = &plan.ids;
  }
  const Result result = simulate(plan.fleet, plan.jobs, conditions);
  Row row{conditions.policy, summarize(plan.jobs, result, options.starved_after)};
  if (options.timing) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::fprintf(stderr, "%s: %.1f s, %lld inputs\n",
                 std::string(model::to_text(conditions.policy)).c_str(), took.count(),
                 static_cast<long long>(result.steps));
  }
  return row;
}

std::vector<Row> run_all(const Options& options, const Plan& plan) {
  std::vector<Row> rows(options.policies.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < rows.size(); i = next++) rows[i] = run_one(options, plan, i);
  };
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t at_a_time = options.jobs > 0 ? static_cast<std::size_t>(options.jobs) : cores;
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(at_a_time, rows.size()); ++i) threads.emplace_back(work);
  work();
  threads.clear();  // joins
  return rows;
}

int run(const Options& options) {
  const auto plan = make_plan(options);
  if (!plan) return refuse(plan.error());
  const auto rows = run_all(options, *plan);
  const std::string text =
      options.json ? base::to_text(to_json(options, plan->fleet, rows)) + "\n" : table(rows);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace berth::sim

int main(int argc, char** argv) {
  using namespace berth;
  const auto options = sim::read_options({argv + 1, argv + argc});
  if (!options) return sim::refuse(options.error());
  switch (options->what) {
    case sim::Options::What::kHelp:
      std::fputs(sim::usage().c_str(), stdout);
      return 0;
    case sim::Options::What::kVersion:
      std::puts("berth-sim " BERTH_VERSION);
      return 0;
    case sim::Options::What::kRun:
      break;
  }
  return sim::run(*options);
}
