// SPDX-License-Identifier: Apache-2.0
#include "checker.h"

#include <algorithm>

#include "core/device_index.h"
#include "core/explain.h"
#include "core/hold.h"
#include "core/invariants.h"
#include "core/pools.h"
#include "core/snapshot.h"
#include "core/step.h"

namespace berth::core::property {

namespace {

using base::json::serialize;
using Trouble = std::optional<std::string>;

std::string text_of(const std::vector<Output>& outputs) {
  std::string text;
  for (const auto& output : outputs) text += serialize(to_json(output)) + "\n";
  return text;
}

base::Result<State> restored(const State& state) {
  return state_from_json(base::parse_json(serialize(to_json(state)))->as_object());
}

bool any_may_hold(const State& state) {
  return std::any_of(state.tasks.begin(), state.tasks.end(), [&](const auto& entry) {
    return entry.second.state == model::TaskState::kQueued && may_hold(state, entry.second);
  });
}

}  // namespace

Trouble Checker::take(const Event& event) {
  ++steps_;
  const auto stale = stale_news(event.input);
  outputs_ = step(state_, event.input, event.now);
  if (const auto broken = invariants::check(state_); !broken.empty())
    return "invariant: " + broken.front();
  if (auto trouble = check_outputs(event.input)) return trouble;
  if (stale && !(live_.contains(*stale) && live_.at(*stale).running) && !was_requeued(*stale))
    return "news of another attempt counted";
  if (auto trouble = check_memory()) return trouble;
  if (live_.size() + leases_.size() != state_.tasks.size()) return "tasks were lost or kept";
  figures_.most_waiting = std::max(figures_.most_waiting, state_.queue.size());

  const auto again =
      input_from_json(base::parse_json(serialize(to_json(event.input)))->as_object());
  if (!again) return "the input cannot be read back: " + again.error().message;
  if (text_of(step(twin_, *again, event.now)) != text_of(outputs_))
    return "the twin decided otherwise";
  if (steps_ % 97 == 0) {
    if (auto trouble = check_explain()) return trouble;
    if (auto trouble = check_screen()) return trouble;
  }
  return std::nullopt;
}

// In the last step, because its time had come.
bool Checker::was_requeued(const TaskId& id) const {
  return std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) {
    const auto* requeued = std::get_if<Requeued>(&output);
    return requeued != nullptr && requeued->task == id;
  });
}

Trouble Checker::restart() {
  ++figures_.restarts;
  auto back = restored(state_);
  if (!back) return "the snapshot cannot be read: " + back.error().message;
  if (serialize(to_json(*back)) != serialize(to_json(state_)))
    return "the snapshot is not the state";
  if (serialize(to_json(twin_)) != serialize(to_json(state_)))
    return "the twin's state is another one";
  state_ = std::move(*back);  // the twin goes on without a restart
  return std::nullopt;
}

// The running task whose other attempt this input is about: it has to go on undisturbed.
std::optional<TaskId> Checker::stale_news(const Input& input) const {
  const auto other = [&](const TaskId& id, int attempt) -> std::optional<TaskId> {
    const auto task = live_.find(id);
    if (task == live_.end() || !task->second.running || task->second.attempt == attempt)
      return std::nullopt;
    return id;
  };
  if (const auto* exited = std::get_if<Exited>(&input)) return other(exited->task, exited->attempt);
  if (const auto* failed = std::get_if<LaunchFailed>(&input))
    return other(failed->task, failed->attempt);
  return std::nullopt;
}

Trouble Checker::check_outputs(const Input& input) {
  for (const auto& output : outputs_) {
    if (const auto* queued = std::get_if<Queued>(&output)) {
      if (!live_.emplace(queued->task, Live{}).second)
        return "a live task was queued again: " + queued->task.value;
    } else if (std::holds_alternative<Refused>(output)) {
      ++figures_.refused;
    } else if (const auto* requeued = std::get_if<Requeued>(&output)) {
      if (auto trouble = check_requeued(*requeued)) return trouble;
    } else if (const auto* leased = std::get_if<Leased>(&output)) {
      leases_.insert(leased->task);
    } else if (const auto* ended = std::get_if<LeaseEnded>(&output)) {
      if (leases_.erase(ended->task) == 0)
        return "a lease ended that was not: " + ended->task.value;
      ++figures_.leases;
    } else if (const auto* launch = std::get_if<Launch>(&output)) {
      if (const auto* failed = std::get_if<LaunchFailed>(&input);
          failed != nullptr && failed->task == launch->task) {
        live_.at(failed->task).running = false;
      }
      if (auto trouble = check_launch(*launch)) return trouble;
      ++figures_.launches;
    } else if (const auto* stop = std::get_if<Stop>(&output)) {
      const auto task = live_.find(stop->task);
      if (task == live_.end() || !task->second.running || task->second.attempt != stop->attempt)
        return "stop of nothing";
      if (stop->now) {
        ++figures_.evictions;
      } else {
        task->second.cancelled = true;
      }
    } else if (const auto* finished = std::get_if<Finished>(&output)) {
      const auto task = live_.find(finished->task);
      if (task == live_.end()) return "a task ended that does not live: " + finished->task.value;
      if (task->second.attempt != finished->attempt) return "another attempt ended";
      if (task->second.cancelled && finished->state != model::TaskState::kCancelled)
        return "cancelled, but ended otherwise";
      if (!model::is_final(finished->state)) return "ended in a state that is not final";
      if (auto trouble = check_followers(*finished)) return trouble;
      live_.erase(task);
      ++figures_.finished;
    }
  }
  for (auto& [id, live] : live_) {
    const auto task = state_.tasks.find(id);
    if (task == state_.tasks.end()) return "task " + id.value + " vanished";
    live.running = task->second.state == model::TaskState::kRunning;
  }
  return std::nullopt;
}

Trouble Checker::check_requeued(const Requeued& requeued) {
  const std::string& id = requeued.task.value;
  const auto live = live_.find(requeued.task);
  if (live == live_.end()) return "queued again, but not live: " + id;
  if (live->second.attempt != requeued.attempt) return "another attempt was queued again: " + id;
  if (live->second.cancelled) return "queued again, but cancelled: " + id;
  live->second.running = false;
  ++live->second.retries;
  const auto task = state_.tasks.find(requeued.task);
  if (task != state_.tasks.end() && live->second.retries > task->second.request.retry.max)
    return "tried more often than allowed: " + id;
  ++figures_.retries;
  figures_.fences += requeued.fenced ? 1 : 0;
  return std::nullopt;
}

// Nobody is left waiting for what is over.
Trouble Checker::check_followers(const Finished& finished) {
  for (const auto& [id, task] : state_.tasks) {
    if (task.after.contains(finished.task)) return id.value + " waits for what is over";
  }
  figures_.orphans += finished.exit.cause == "dependency" ? 1 : 0;
  return std::nullopt;
}

Trouble Checker::check_launch(const Launch& launch) {
  const std::string& id = launch.task.value;
  const auto live = live_.find(launch.task);
  if (live == live_.end()) return "launched, but not submitted: " + id;
  if (live->second.cancelled) return "launched, but cancelled: " + id;
  if (live->second.running) return "launched twice: " + id;
  if (launch.attempt != live->second.attempt + 1) return "attempts do not count up: " + id;
  live->second.attempt = launch.attempt;
  live->second.running = true;
  const TaskEntry& task = state_.tasks.at(launch.task);
  const auto& shares = launch.placement.shares;
  const auto& selector = task.request.selector;
  const bool on_cpu = state_.devices.at(shares.front().device).is_cpu();
  if (on_cpu && shares.size() != 1) return "several processors: " + id;
  if (launch.fallback == Fallback::kGpusBusy && !task.request.cpu_after)
    return "on the processor without being asked: " + id;
  if (!on_cpu && selector.mode != model::Selector::Mode::kNamed &&
      shares.size() != static_cast<std::size_t>(task.request.gpus)) {
    return "another number of devices: " + id;
  }
  if (selector.mode == model::Selector::Mode::kCpu && !on_cpu) return "not on the processor: " + id;
  for (const auto& share : shares) {
    const DeviceEntry& device = state_.devices.at(share.device);
    if (!device.present) return "launched on a device that is gone: " + id;
    if (device.device.partitioned) return "launched on a GPU that is divided: " + id;
    if (device.device.mig && shares.size() > 1 && selector.mode != model::Selector::Mode::kNamed)
      return "MIG instances put together: " + id;
    if (!device.fenced.empty()) return "launched beside what cannot be killed: " + id;
    if (state_.draining || state_.drained.contains(share.device) ||
        (device.device.mig && state_.drained.contains(device.device.mig->parent)))
      return "launched on a drained device: " + id;
    if (!pools::admits(state_, task.request, device)) return "launched outside its pool: " + id;
    if (!device.is_cpu() && !device.reading) return "launched without a reading: " + id;
    if (device.reading && device.reading->health != model::Health::kHealthy)
      return "launched on a sick device: " + id;
    if (device.running_of(task.request.kind) > device.limits.of(task.request.kind))
      return "limit exceeded by " + id;
    if (task.request.exclusive && device.exclusive != launch.task) return "not alone: " + id;
  }
  if (task.held || !task.after.empty() || task.not_before) return "launched before its time: " + id;
  const int most = state_.config.user_running;
  if (most > 0 && state_.users.at(task.request.user).running > most)
    return "one user has too many: " + id;
  const auto& array = task.request.array;
  if (array && array->at_once > 0) {
    const auto together =
        std::count_if(state_.tasks.begin(), state_.tasks.end(), [&](const auto& entry) {
          return entry.second.placement && entry.second.request.array &&
                 entry.second.request.array->array == array->array;
        });
    if (together > array->at_once) return "one array has too many: " + id;
  }
  // First in, first out: nobody of the same shape and an earlier place still waits.
  const auto group = state_.queue.groups().find(Queue::shape(state_.config, task));
  if (group != state_.queue.groups().end() &&
      group->second.begin()->first < queue_key(state_.config, task)) {
    return "overtook one of its own shape: " + id;
  }
  return std::nullopt;
}

// What this step reserved on a device was really free there: reported free memory minus what tasks
// of before may still take.
Trouble Checker::check_memory() const {
  std::map<DeviceId, std::map<TaskId, Bytes>> launched;
  for (const auto& output : outputs_) {
    const auto* launch = std::get_if<Launch>(&output);
    if (launch == nullptr) continue;
    for (const auto& share : launch->placement.shares)
      launched[share.device].emplace(launch->task, share.reserved);
  }
  for (const auto& [id, tasks] : launched) {
    const DeviceEntry& device = state_.devices.at(id);
    if (!device.reading || !device.reading->free) continue;
    Bytes left = *device.reading->free;
    Bytes wanted;
    for (const auto& [task, reserved] : device.reservations) {
      if (tasks.contains(task)) {
        wanted += reserved;
        continue;
      }
      const auto used = device.reading->used_by_task.find(task);
      const Bytes taken = used == device.reading->used_by_task.end() ? Bytes{} : used->second;
      left -= std::max(Bytes{}, reserved - taken);
    }
    if (wanted > std::max(Bytes{}, left)) return "more reserved than free on " + device.device.name;
  }
  return std::nullopt;
}

// The index leaves out no device that takes a waiting task.
Trouble Checker::check_screen() const {
  for (const auto& [shape, group] : state_.queue.groups()) {
    const model::Request& request = state_.tasks.at(group.begin()->second).request;
    const Screen screen(request);
    for (const Glance& glance : state_.devices.index().rows()) {
      if (!screen.lets_through(glance) && fit(state_, request, *glance.device))
        return glance.device->device.name + " takes " + request.id.value + " but is left out";
    }
  }
  return std::nullopt;
}

Trouble Checker::check_explain() const {
  const bool holds = any_may_hold(state_);
  for (const auto& [id, task] : state_.tasks) {
    const auto explanation = explain(state_, task);
    int sum = 0;
    for (const auto& [code, count] : explanation.counts) sum += count;
    if (sum != static_cast<int>(state_.devices.size()))
      return "counts do not add up for " + id.value;
    if (task.state == model::TaskState::kQueued && !holds && task.request.gpus == 1 &&
        explanation.counts.contains("fits") && task.request.selector.named.size() < 2) {
      return "waits although a device fits: " + id.value;
    }
  }
  if (!holds) {  // nothing was left undone
    State copy = state_;
    if (!step(copy, SetReadings{}, state_.latest).empty()) return "a second pass found more to do";
  }
  return std::nullopt;
}

std::vector<Event> shrink(std::vector<Event> events, int tries) {
  const auto fails = [&](const std::vector<Event>& some) {
    Checker checker;
    return std::any_of(some.begin(), some.end(),
                       [&](const Event& event) { return checker.take(event).has_value(); });
  };
  if (!fails(events)) return events;  // it took a restart to fail
  for (std::size_t chunk = events.size() / 2; chunk > 0 && tries > 0; chunk /= 2) {
    for (std::size_t begin = 0; begin + chunk <= events.size() && tries > 0; --tries) {
      auto fewer = events;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin),
                  fewer.begin() + static_cast<std::ptrdiff_t>(begin + chunk));
      if (fails(fewer))
        events = std::move(fewer);
      else
        begin += chunk;
    }
  }
  return events;
}

}  // namespace berth::core::property
