// SPDX-License-Identifier: Apache-2.0
// What the service makes of the devices' readings: the scheduler's view, the API's, what tasks use,
// and those that hold more memory than was reserved for them.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "base/phrase.h"
#include "daemon/service.h"
#include "device/host/backend.h"
#include "model/device_words.h"
#include "model/task_words.h"
#include "supervise/mps.h"

namespace berth::daemon {

namespace {

using base::json::object;

// A device that the sampler has not come to for this long: every one is read at least each second,
// and leaving one that hangs behind takes two.
constexpr base::Duration kStale{5'000};

// The sample as it counts now: an old reading is no ground to place anything on.
model::Sample aged(model::Sample sample, base::Time now) {
  const auto age = now - sample.taken;
  if (sample.health != model::Health::kHealthy || age <= kStale) return sample;
  sample.health = model::Health::kNotResponding;
  sample.health_reason =
      base::fill(model::words::kNoReadingFor, {std::to_string(age.count() / 1000)});
  return sample;
}

// As the API shows it: what a device that is gone, or has been silent for long, last showed is not
// how it is.
model::Sample shown(model::Sample sample, base::Time now) {
  const bool gone = sample.health == model::Health::kLost;
  sample = aged(std::move(sample), now);
  const bool silent =
      sample.health == model::Health::kNotResponding && now - sample.taken > 2 * kStale;
  if (!gone && !silent) return sample;
  model::Readings rest;
  rest.health = sample.health;
  rest.health_reason = sample.health_reason;
  rest.total_memory = sample.total_memory;
  static_cast<model::Readings&>(sample) = std::move(rest);
  return sample;
}

}  // namespace

core::Reading Service::reading_of(const model::Sample& sample) {
  core::Reading reading;
  reading.device = sample.device;
  reading.health = sample.health;
  reading.health_reason = sample.health_reason;
  reading.total = sample.total_memory;
  reading.free = sample.free_memory;
  reading.reserved = sample.reserved_memory;
  // In steps of ten: it only breaks ties, and must not make every reading a new one.
  if (sample.utilization_percent)
    reading.utilization_percent = (*sample.utilization_percent + 5) / 10 * 10;
  reading.throttled = observations_.throttled(sample);
  if (!sample.processes) return reading;
  for (const auto& process : *sample.processes) {
    auto task = supervisor_.task_of(process.pid);
    if (!task && going_) task = lease_holders_.lease_of(process.pid);
    if (!task) {
      const auto left = supervisor_.left_by(process.pid);
      if (left && engine_.table().find(*left) != nullptr) left_by_[process.pid] = *left;
      continue;
    }
    task_by_pid_[process.pid] = *task;
    if (process.used_memory) reading.used_by_task[*task] += *process.used_memory;
  }
  return reading;
}

// A driver that does not answer keeps nobody from the processor, which is read without one.
void Service::observe_host() {
  device::host::HostBackend host(config_.sysfs_root);
  const auto found = host.enumerate({}, {});
  if (!found) return;
  engine_.observe_inventory(found->devices, false);
  std::vector<core::Reading> readings;
  for (const auto& processor : found->devices)
    readings.push_back(reading_of(host.sample(processor.id, {})));
  engine_.observe_readings(std::move(readings));
}

void Service::devices_changed(const DeviceFeed::Changes& changes) {
  ++device_changes_;
  const auto& watch = devices_.watch();
  for (const auto& id : changes.health) {
    const auto* sample = watch.sample(id);
    if (sample == nullptr || !model::takes_tasks(watch.inventory(), id)) continue;
    if (going_) observations_.health_changed(*sample, now());
    if (sample->health == model::Health::kHealthy) {
      base::log_info("device is healthy", {{"device", id.value}});
    } else {
      base::log_warning("device is not healthy",
                        {{"device", id.value},
                         {"state", std::string(model::to_text(sample->health))},
                         {"reason", sample->health_reason}});
    }
  }
  if (!going_) return;
  if (changes.inventory) engine_.observe_inventory(model::for_tasks(watch.inventory()));
  if (changes.samples.empty()) return;
  std::vector<core::Reading> readings;
  task_by_pid_.clear();
  left_by_.clear();
  for (const auto& sample : watch.samples()) {
    core::Reading reading = reading_of(aged(sample, now()));
    if (changes.samples.contains(sample.device)) readings.push_back(std::move(reading));
  }
  engine_.observe_readings(std::move(readings));
}

std::vector<api::DeviceView> Service::devices() {
  devices_.settle();
  std::vector<api::DeviceView> views;
  const auto& watch = devices_.watch();
  const char* pipes = std::getenv("CUDA_MPS_PIPE_DIRECTORY");
  const bool mps =
      supervise::mps_runs(pipes != nullptr ? pipes : supervise::kMpsDefaultPipes, ::geteuid());
  for (const auto& device : watch.inventory().devices) {
    api::DeviceView view;
    view.device = device;
    view.enforcement =
        supervisor_.enforcer().at_best(device, watch.inventory().driver_version.value_or(""), mps);
    if (const auto* sample = watch.sample(device.id)) {
      view.sample = shown(*sample, now());
      view.unhealthy_since = view.sample->health == sample->health
                                 ? devices_.unhealthy_since(device.id)
                                 : std::optional(sample->taken + kStale);
      view.next_probe = devices_.next_probe(device);
    }
    view.task_by_pid = task_by_pid_;
    view.left_by = left_by_;
    views.push_back(std::move(view));
  }
  return views;
}

object Service::processor() const {
  return device::host::to_json(processor_.read(std::chrono::steady_clock::now()));
}

void Service::check_stale() {
  DeviceFeed::Changes stale;
  for (const auto& sample : devices_.watch().samples()) {
    if (aged(sample, now()).health != sample.health) stale.samples.insert(sample.device);
  }
  if (!stale.samples.empty()) devices_changed(stale);
}

// Their newest readings are too old to start anything on. They count again with the next one.
void Service::distrust(const std::vector<model::DeviceId>& devices) {
  std::vector<core::Reading> readings;
  for (const auto& id : devices) {
    const auto entry = state().devices.find(id);
    if (entry == state().devices.end()) continue;
    core::Reading reading = entry->second.reading.value_or(core::Reading{});
    reading.device = id;
    if (reading.health == model::Health::kHealthy) {
      reading.health = model::Health::kNotResponding;
      reading.health_reason = model::words::kNotInTime;
    }
    readings.push_back(std::move(reading));
  }
  engine_.observe_readings(std::move(readings));
}

std::vector<MemoryWatchdog::Use> Service::memory_uses() const {
  std::vector<MemoryWatchdog::Use> uses;
  for (const auto& [id, device] : state().devices) {
    if (!device.reading || device.is_cpu()) continue;
    for (const auto& [task, used] : device.reading->used_by_task) {
      const auto entry = state().tasks.find(task);
      const auto reserved = device.reservations.find(task);
      if (entry == state().tasks.end() || reserved == device.reservations.end()) continue;
      if (entry->second.cancelling || !entry->second.placement) continue;
      uses.push_back({task, entry->second.attempt, device.device.name, reserved->second, used,
                      model::is_binding(entry->second.placement->rule)});
    }
  }
  return uses;
}

void Service::check_memory() {
  for (const auto& [kind, use] : memory_watchdog_.look(memory_uses(), now())) {
    const bool ending = kind != MemoryWatchdog::Deed::Kind::kWarn;
    notes_.memory_over(use.task, use.attempt, use.device, use.used, use.reserved, ending);
    if (!ending) continue;
    const auto task = engine_.table().find(use.task);
    if (task != nullptr && !task->failure) {
      task->failure = model::Failure{
          "memory_limit",
          base::fill(model::words::kUsedOf,
                     {base::to_text(use.used), base::to_text(use.reserved), use.device}),
          ""};
      engine_.touch(use.task);
    }
    supervisor_.end_for_memory(use.task, use.attempt);
  }
}

}  // namespace berth::daemon
