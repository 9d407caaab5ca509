// SPDX-License-Identifier: Apache-2.0
#include "core/forecast.h"

#include <algorithm>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include "core/history.h"
#include "core/snapshot.h"
#include "core/step.h"
#include "core/users.h"

namespace berth::core {

namespace {

struct End {
  Time at{};
  TaskId task;
  int attempt = 0;
  bool operator>(const End& other) const {
    return std::tie(at, task) > std::tie(other.at, other.task);
  }
};
using Ends = std::priority_queue<End, std::vector<End>, std::greater<>>;

// A task that takes longer than those like it did is expected to take a tenth of that more.
constexpr int kOverduePart = 10;

std::optional<Time> end_of(const State& state, const TaskEntry& task) {
  if (task.is_lease()) return task.holder.empty() ? task.lease_until : std::nullopt;
  const Time started = task.started.value_or(state.latest);
  std::optional<Time> end;
  if (const auto usual = history::duration(state, task.request)) {
    end = started + *usual;
    if (*end <= state.latest) end = state.latest + *usual / kOverduePart;
  }
  if (task.request.time_limit) {
    const Time limit = std::max(state.latest, started + *task.request.time_limit);
    end = end ? std::min(*end, limit) : limit;
  }
  return end;
}

// The task, what runs, what comes before it, and what those come after. std::nullopt: too many.
std::optional<std::map<TaskId, TaskEntry>> concerned(const State& state, const TaskEntry& task) {
  std::map<TaskId, TaskEntry> chosen;
  std::set<TaskId> first{task.request.id};
  for (const auto& [id, device] : state.devices) {
    for (const auto& [running, reserved] : device.reservations) first.insert(running);
  }
  // The tasks of a group are in the order of their ranks: those behind this one need no look.
  const QueueKey place = users::rank(state, task);
  for (const auto& [shape, group] : state.queue.groups()) {
    for (const auto& [key, id] : group) {
      if (!(users::rank(state, state.tasks.at(id)) < place)) break;
      first.insert(id);
      if (first.size() > kMostForecastTasks) return std::nullopt;
    }
  }
  if (first.size() > kMostForecastTasks) return std::nullopt;
  std::vector<TaskId> open(first.begin(), first.end());
  while (!open.empty()) {
    const TaskId id = std::move(open.back());
    open.pop_back();
    const auto found = state.tasks.find(id);
    if (found == state.tasks.end() || !chosen.emplace(id, found->second).second) continue;
    if (chosen.size() > kMostForecastTasks) return std::nullopt;
    for (const auto& [other, any] : found->second.after) open.push_back(other);
  }
  return chosen;
}

// The machine as it is, with these tasks only.
std::optional<State> future_of(const State& state, std::map<TaskId, TaskEntry> tasks) {
  State future;
  future.config = state.config;
  future.inventory_known = state.inventory_known;
  future.gpus_seen = state.gpus_seen;
  future.draining = state.draining;
  future.drained = state.drained;
  future.devices = state.devices;
  future.next_sequence = state.next_sequence;
  future.history = state.history;
  future.users = state.users;
  future.latest = state.latest;
  auto made = with_tasks(std::move(future), std::move(tasks));
  return made ? std::optional(std::move(*made)) : std::nullopt;
}

// What it holds is free once it has ended, as the next reading would say.
void give_memory_back(State& future, const TaskEntry& task) {
  if (!task.placement) return;
  for (const auto& share : task.placement->shares) {
    const auto device = future.devices.find(share.device);
    if (device == future.devices.end() || !device->second.reading) continue;
    Reading& reading = *device->second.reading;
    const auto used = reading.used_by_task.find(task.request.id);
    if (used == reading.used_by_task.end()) continue;
    if (reading.free) *reading.free += used->second;
    reading.used_by_task.erase(used);
  }
}

Input end_as_input(const TaskEntry& task, int attempt) {
  if (task.is_lease()) return EndLease{task.request.id};
  return Exited{task.request.id, attempt, model::Exit{0, {}, "exited"}, std::nullopt};
}

}  // namespace

std::optional<Time> earliest_start(const State& state, const TaskEntry& task) {
  if (task.state != model::TaskState::kQueued || task.held || state.paused || state.draining ||
      state.devices.size() > kMostForecastDevices) {
    return std::nullopt;
  }
  auto tasks = concerned(state, task);
  if (!tasks) return std::nullopt;
  auto future = future_of(state, std::move(*tasks));
  if (!future) return std::nullopt;
  Ends ends;
  const auto expect_end = [&](const TaskId& id) {
    const TaskEntry& entry = future->tasks.at(id);
    if (const auto end = end_of(*future, entry)) ends.push({*end, id, entry.attempt});
  };
  for (const auto& [id, entry] : future->tasks) {
    if (entry.placement) expect_end(id);
  }
  Input input = Tick{};
  Time now = future->latest;
  for (int events = 0; events < kMostForecastEvents; ++events) {
    for (const auto& output : step(*future, input, now)) {
      const auto* launch = std::get_if<Launch>(&output);
      if (launch == nullptr) continue;
      if (launch->task == task.request.id) return now;
      expect_end(launch->task);
    }
    const auto wake = next_wakeup(*future);
    if (ends.empty() && !wake) return std::nullopt;
    if (wake && (ends.empty() || *wake < ends.top().at)) {
      // One that has become void wakes nobody: time goes on all the same.
      now = std::max(*wake, now + base::Duration{1});
      input = Tick{};
      continue;
    }
    const End end = ends.top();
    ends.pop();
    now = std::max(now, end.at);
    input = Tick{};
    const auto ended = future->tasks.find(end.task);
    if (ended == future->tasks.end() || ended->second.attempt != end.attempt) continue;
    give_memory_back(*future, ended->second);
    input = end_as_input(ended->second, end.attempt);
  }
  return std::nullopt;
}

}  // namespace berth::core
