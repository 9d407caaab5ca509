// SPDX-License-Identifier: Apache-2.0
#include "core/failure.h"

#include <algorithm>
#include <utility>

#include "core/memory.h"
#include "core/occupancy.h"
#include "core/waiting.h"

namespace berth::core {

namespace {

using model::FailureKind;
using model::TaskState;

constexpr base::Duration kLongestBackoff{3'600'000};

base::Duration backoff(const model::Retry& retry, int number) {
  base::Duration pause = std::clamp(retry.backoff, base::Duration{0}, kLongestBackoff);
  for (int i = 1; i < number && pause < kLongestBackoff; ++i) pause *= 2;
  return std::min(pause, kLongestBackoff);
}

// So much more than `had`, but no more than the largest device can give.
Bytes more(const State& state, Bytes had, int percent) {
  Bytes largest;
  for (const auto& [id, device] : state.devices) {
    if (!device.is_cpu()) largest = std::max(largest, usable_memory(device).value_or(Bytes{}));
  }
  return std::min(largest, Bytes{had.value * (100 + percent) / 100});
}

// What the next try asks for after the task ran out of memory.
std::optional<Bytes> larger(const State& state, const TaskEntry& task, std::optional<Bytes> peak) {
  const int percent = task.request.retry.more_memory_percent;
  if (percent <= 0) return std::nullopt;
  const Bytes had = std::max(task.request.memory.value_or(Bytes{}), peak.value_or(Bytes{}));
  if (had.value == 0) return std::nullopt;  // nothing to reckon from
  const Bytes wanted = more(state, had, percent);
  if (wanted <= task.request.memory.value_or(Bytes{})) return std::nullopt;
  return wanted;
}

bool is_lost(const DeviceEntry& device) {
  if (!device.present) return true;
  return device.reading && (device.reading->health == model::Health::kLost ||
                            device.reading->health == model::Health::kFailed);
}

// ---- what is due ----

bool backoff_is_over(State& state, const std::string& id) {
  const auto task = state.tasks.find(TaskId(id));
  if (task == state.tasks.end() || task->second.state != TaskState::kQueued ||
      !task->second.not_before || *task->second.not_before > state.latest) {
    return false;
  }
  change_waiting(state, task->second, [](TaskEntry& waiting) { waiting.not_before.reset(); });
  return true;
}

bool processor_will_do(State& state, const std::string& id) {
  const auto task = state.tasks.find(TaskId(id));
  if (task == state.tasks.end() || task->second.state != TaskState::kQueued) return false;
  const auto& after = task->second.request.cpu_after;
  if (!after || task->second.cpu_due || !task->second.ready ||
      *task->second.ready + *after > state.latest) {
    return false;
  }
  change_waiting(state, task->second, [](TaskEntry& waiting) { waiting.cpu_due = true; });
  return true;
}

bool cannot_be_killed(State& state, const std::string& id, std::vector<Output>& outputs) {
  const auto found = state.tasks.find(TaskId(id));
  if (found == state.tasks.end()) return false;
  TaskEntry& task = found->second;
  if (task.state != TaskState::kRunning || !task.evicted || task.cancelling ||
      *task.evicted + state.config.fence > state.latest ||
      !may_retry(task, FailureKind::kDeviceLost)) {
    return false;
  }
  fence(state, task);
  retry(state, task, FailureKind::kDeviceLost, model::Exit{{}, {}, "device_lost"}, {}, true,
        outputs);
  return true;
}

bool lease_is_over(State& state, const std::string& id, std::vector<Output>& outputs) {
  const auto lease = state.tasks.find(TaskId(id));
  if (lease == state.tasks.end() || !lease->second.is_lease() || !lease->second.holder.empty() ||
      *lease->second.lease_until > state.latest) {
    return false;
  }
  end_lease(state, lease->first, "expired", outputs);
  return true;
}

bool device_is_given_up(State& state, const std::string& id, std::vector<Output>& outputs) {
  const auto device = state.devices.find(DeviceId(id));
  if (device == state.devices.end() || !device->second.hung_since ||
      *device->second.hung_since + state.config.hung_device > state.latest) {
    return false;
  }
  device->second.hung_since.reset();
  evict(state, device->second, outputs);
  return true;
}

}  // namespace

std::optional<FailureKind> failure_of(const TaskEntry& task, const Exited& input) {
  if (input.exit.exit_code == 0 && input.exit.cause == "exited") return std::nullopt;
  if (task.evicted) return FailureKind::kDeviceLost;
  if (input.out_of_memory) return FailureKind::kOutOfMemory;
  if (input.exit.cause == "timeout") return FailureKind::kTimeout;
  if (input.exit.cause == "launch_failed") return FailureKind::kLaunch;
  if (input.exit.cause == "lost") return FailureKind::kLost;
  return FailureKind::kExit;
}

std::optional<Bytes> suggested_memory(const State& state, const TaskEntry& task,
                                      std::optional<Bytes> peak) {
  constexpr int kMorePercent = 25;
  Bytes had = peak.value_or(Bytes{});
  if (task.placement) {
    for (const auto& share : task.placement->shares) had = std::max(had, share.reserved);
  }
  const Bytes wanted = more(state, had, kMorePercent);
  if (had.value == 0 || wanted <= had) return std::nullopt;
  return wanted;
}

bool may_retry(const TaskEntry& task, FailureKind kind) {
  return !task.cancelling && task.retries < task.request.retry.max &&
         task.request.retry.covers(kind);
}

void retry(State& state, TaskEntry& task, FailureKind kind, const model::Exit& exit,
           std::optional<Bytes> peak, bool fenced, std::vector<Output>& outputs) {
  ++task.retries;
  Requeued output{task.request.id, task.attempt, kind, exit, task.retries, {}, {}, fenced};
  // Elsewhere a lost device is no reason to wait.
  if (kind != FailureKind::kDeviceLost) {
    const auto pause = backoff(task.request.retry, task.retries);
    if (pause.count() > 0) output.not_before = state.latest + pause;
  }
  if (kind == FailureKind::kOutOfMemory) {
    output.memory = larger(state, task, peak);
    if (output.memory) task.request.memory = output.memory;
  }
  task.not_before = output.not_before;
  task.ready.reset();
  task.cpu_due = false;
  enqueue(state, task);
  outputs.push_back(std::move(output));
}

void evict(State& state, DeviceEntry& device, std::vector<Output>& outputs) {
  std::vector<TaskId> leases;
  for (const auto& [id, reserved] : device.reservations) {
    TaskEntry& task = state.tasks.at(id);
    if (task.is_lease()) leases.push_back(id);
    if (task.is_lease() || task.evicted) continue;
    task.evicted = state.latest;
    state.wakeups.insert({state.latest + state.config.fence, Wakeup::What::kFence, id.value});
    outputs.push_back(Stop{id, task.attempt, true, "device_lost"});
  }
  for (const auto& id : leases) end_lease(state, id, "device_lost", outputs);
}

void follow_health(State& state, DeviceEntry& device, std::vector<Output>& outputs) {
  if (device.reservations.empty()) return;
  if (is_lost(device)) {
    evict(state, device, outputs);
    return;
  }
  const bool hung = device.reading && device.reading->health == model::Health::kNotResponding;
  if (!hung) {
    device.hung_since.reset();
  } else if (!device.hung_since) {
    device.hung_since = state.latest;
    state.wakeups.insert({state.latest + state.config.hung_device, Wakeup::What::kHungDevice,
                          device.device.id.value});
  }
}

void arm_failures(State& state) {
  for (const auto& [id, device] : state.devices) {
    if (device.hung_since) {
      state.wakeups.insert(
          {*device.hung_since + state.config.hung_device, Wakeup::What::kHungDevice, id.value});
    }
  }
  for (const auto& [id, task] : state.tasks) {
    if (task.evicted)
      state.wakeups.insert({*task.evicted + state.config.fence, Wakeup::What::kFence, id.value});
  }
}

void end_lease(State& state, TaskId id, std::string cause, std::vector<Output>& outputs) {
  release(state, state.tasks.at(id));
  state.tasks.erase(id);
  outputs.push_back(LeaseEnded{std::move(id), std::move(cause)});
}

bool wake(State& state, std::vector<Output>& outputs) {
  bool changed = false;
  while (!state.wakeups.empty() && state.wakeups.begin()->at <= state.latest) {
    const Wakeup due = *state.wakeups.begin();
    state.wakeups.erase(state.wakeups.begin());
    switch (due.what) {
      case Wakeup::What::kBackoff:
        changed |= backoff_is_over(state, due.subject);
        break;
      case Wakeup::What::kProcessor:
        changed |= processor_will_do(state, due.subject);
        break;
      case Wakeup::What::kFence:
        changed |= cannot_be_killed(state, due.subject, outputs);
        break;
      case Wakeup::What::kLease:
        changed |= lease_is_over(state, due.subject, outputs);
        break;
      case Wakeup::What::kHungDevice:
        changed |= device_is_given_up(state, due.subject, outputs);
        break;
    }
  }
  return changed;
}

}  // namespace berth::core
