// SPDX-License-Identifier: Apache-2.0
#include "sim/replay.h"

#include <algorithm>

#include "core/snapshot.h"

namespace berth::sim {

namespace {

base::json::object with_policy(base::json::object snapshot, model::Policy policy) {
  auto* tasks = snapshot.if_contains("tasks");
  if (tasks == nullptr || !tasks->is_array()) return snapshot;
  for (auto& task : tasks->as_array()) {
    if (!task.is_object()) continue;
    auto* request = task.as_object().if_contains("request");
    if (request != nullptr && request->is_object())
      request->as_object()["policy"] = model::to_text(policy);
  }
  return snapshot;
}

Fleet devices_of(const core::State& state) {
  std::vector<model::Device> devices;
  for (const auto& [id, entry] : state.devices) {
    if (!entry.present) continue;
    devices.push_back(entry.device);
    if (entry.reading && entry.reading->total) devices.back().total_memory = entry.reading->total;
  }
  std::sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) {
    return std::tie(a.vendor, a.index) < std::tie(b.vendor, b.index);
  });
  return fleet_of(std::move(devices));
}

}  // namespace

base::Result<Replay> make_replay(const base::json::object& snapshot,
                                 std::optional<base::Duration> each, const Profile& profile,
                                 std::uint64_t seed, const std::vector<model::Policy>& policies) {
  Replay replay;
  for (const auto policy : policies) {
    auto state = core::state_from_json(with_policy(snapshot, policy));
    if (!state) return base::fail(state.error());
    replay.starts.push_back(std::move(*state));
  }
  const core::State& state = replay.starts.front();
  replay.fleet = devices_of(state);
  if (replay.fleet.gpus() == 0) {
    return base::fail(base::ErrorCode::kBadRequest,
                      "the snapshot has no GPU: there is nothing to schedule on");
  }
  std::vector<const core::TaskEntry*> tasks;
  for (const auto& [id, task] : state.tasks) tasks.push_back(&task);
  std::sort(tasks.begin(), tasks.end(),
            [](const auto* a, const auto* b) { return a->sequence < b->sequence; });
  Demand demand;
  demand.tasks = static_cast<std::int64_t>(tasks.size());
  demand.seed = seed;
  replay.jobs = make_jobs(profile, demand, replay.fleet);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto& task = *tasks[i];
    Job& job = replay.jobs[i];
    if (each) job.duration_ms = each->count();
    // One that runs waits no more: it counts as come and started at the snapshot.
    const auto age = task.placement ? base::Duration{} : state.latest - task.submitted;
    job.arrival_ms = -age.count();
    job.gpus = task.placement ? static_cast<int>(task.placement->shares.size()) : task.request.gpus;
    job.memory = task.request.memory.value_or(base::Bytes{});
    job.kind = task.request.kind;
    job.user = static_cast<int>(task.request.kind);
    job.ending = Ending::kCompleted;
    replay.ids.push_back(task.request.id);
  }
  return replay;
}

}  // namespace berth::sim
