// SPDX-License-Identifier: Apache-2.0
#include "daemon/observations.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "api/task_codec.h"
#include "base/log.h"

namespace berth::daemon {

namespace {

constexpr int kRecordEvery = 60;  // seconds: what a crash of the daemon may cost of a figure

Happening happening_of(model::TaskState state) {
  return state == model::TaskState::kCompleted ? Happening::kTaskCompleted
         : state == model::TaskState::kFailed  ? Happening::kTaskFailed
                                               : Happening::kTaskCancelled;
}

std::string sentence(const model::TaskRecord& task) {
  std::string text =
      std::string(model::to_text(task.request.kind)) + " " +
      (task.name.empty() ? task.id().value : task.name + " (" + task.id().value + ")");
  if (!task.request.user.empty()) text += " of " + task.request.user;
  text += " " + std::string(model::to_text(task.state));
  if (task.started && task.finished) {
    text += " after " + std::to_string((*task.finished - *task.started).count() / 1000) + " s on " +
            task.device;
  }
  if (task.failure && !task.failure->message.empty()) text += ": " + task.failure->message;
  return text;
}

double seconds(base::Duration time) { return static_cast<double>(time.count()) / 1000; }

}  // namespace

Observations::Observations(Engine& engine, const DeviceFeed& devices, const Config& config)
    : engine_(engine), devices_(devices), begin_(base::now()) {
  reconfigure(config);
}

void Observations::reconfigure(const Config& config) {
  notifier_.set_targets(config.notifications);
  for (const NoticeTarget& target : config.notifications) {
    if (target.command.empty()) continue;
    if (const auto there = check_program(target.command.front()); !there)
      base::log_warning("a program for notifications cannot be run",
                        {{"program", target.command.front()}, {"reason", there.error().message}});
  }
  alarms_.set_thresholds(config.thresholds);
}

void Observations::look(const std::map<int, model::TaskId>& task_by_pid, base::Time now) {
  measure(task_by_pid, now);
  if (!notifier_.any()) return;
  std::map<int, std::string> names;
  for (const auto& [pid, task] : task_by_pid) names.emplace(pid, task.value);
  std::vector<DeviceAlarms::Look> looks;
  for (const auto& device : devices_.watch().inventory().devices) {
    const auto* sample = devices_.watch().sample(device.id);
    if (sample != nullptr && device.vendor != model::Vendor::kCpu)
      looks.push_back({&device, sample, names});
  }
  for (const Notice& notice : alarms_.look(looks, now)) notifier_.tell(notice);
}

void Observations::measure(const std::map<int, model::TaskId>& task_by_pid, base::Time now) {
  std::vector<UsageMeter::DeviceUse> uses;
  std::set<model::TaskId> running;
  for (const auto& [id, device] : engine_.state().devices) {
    const auto* sample = devices_.watch().sample(id);
    if (device.is_cpu() || sample == nullptr || device.reservations.empty()) continue;
    std::map<model::TaskId, int> utilization;
    if (sample->processes) {
      for (const auto& process : *sample->processes) {
        const auto task = task_by_pid.find(process.pid);
        if (task != task_by_pid.end() && process.utilization_percent)
          utilization[task->second] += *process.utilization_percent;
      }
    }
    UsageMeter::DeviceUse use{sample, {}};
    for (const auto& [task, reserved] : device.reservations) {
      const auto entry = engine_.state().tasks.find(task);
      if (entry == engine_.state().tasks.end()) continue;
      UsageMeter::Share share{task, entry->second.attempt, {}, {}};
      if (device.reading) {
        const auto used = device.reading->used_by_task.find(task);
        if (used != device.reading->used_by_task.end()) share.memory = used->second;
      }
      if (const auto used = utilization.find(task); used != utilization.end())
        share.utilization = std::min(100, used->second);
      use.shares.push_back(std::move(share));
      running.insert(task);
    }
    uses.push_back(std::move(use));
  }
  usage_.take(uses, now);
  const bool record = --seconds_to_record_ <= 0;
  if (record) seconds_to_record_ = kRecordEvery;
  for (const auto& id : running) {
    const auto task = engine_.table().find(id);
    if (task == nullptr || task->state != model::TaskState::kRunning) continue;
    attempt_ended(*task);
    if (record && task->usage) engine_.touch(id);
  }
  usage_.keep_only(running);
}

void Observations::attempt_ended(model::TaskRecord& task) {
  if (auto usage = usage_.of(task.id(), task.attempt)) task.usage = std::move(*usage);
}

void Observations::started(const model::TaskRecord& task, base::Time now) {
  if (task.attempt == 1) counters_.waited[task.request.kind].observe(seconds(now - task.created));
}

void Observations::ended(const model::TaskRecord& task) {
  const auto kind = task.request.kind;
  ++counters_.ended[{kind, task.state}];
  if (task.started && task.finished)
    counters_.ran[kind].observe(seconds(*task.finished - *task.started));
  if (!notifier_.any()) return;
  notifier_.tell(
      Notice{happening_of(task.state), sentence(task),
             base::json::object{{"task", api::task_response(task, api::Language::kEnglish)}},
             task.finished.value_or(base::now()), kind, task.request.user});
}

void Observations::health_changed(const model::Sample& sample, base::Time now) {
  if (!notifier_.any()) return;
  for (const auto& device : devices_.watch().inventory().devices) {
    if (device.id != sample.device) continue;
    const bool healthy = sample.health == model::Health::kHealthy;
    Notice notice;
    notice.what = healthy ? Happening::kDeviceRecovered : Happening::kDeviceFailed;
    notice.text = device.name + " (" + device.model + ") " +
                  (healthy ? "works again"
                           : "is " + std::string(model::to_text(sample.health)) + ": " +
                                 sample.health_reason);
    notice.detail["device"] = base::json::object{{"name", device.name},
                                                 {"uuid", device.id.value},
                                                 {"model", device.model},
                                                 {"health", model::to_text(sample.health)},
                                                 {"reason", sample.health_reason}};
    notice.at = now;
    notifier_.tell(notice);
  }
}

std::string Observations::metrics(std::size_t watchers, base::Time now, bool model_label) const {
  constexpr std::array kKinds{model::Kind::kTraining, model::Kind::kInference,
                              model::Kind::kCommand};
  metrics::Figures figures;
  figures.host = notifier_.host();
  figures.version = BERTH_VERSION;
  for (const auto& device : devices_.watch().inventory().devices) {
    metrics::DeviceFigures one;
    one.device = &device;
    one.sample = devices_.watch().sample(device.id);
    const auto entry = engine_.state().devices.find(device.id);
    const bool known = entry != engine_.state().devices.end();
    one.takes_tasks = known && !device.partitioned && !engine_.state().draining &&
                      !engine_.state().drained.contains(device.id);
    if (known) {
      for (const auto& [task, bytes] : entry->second.reservations) one.reserved += bytes;
      for (const auto kind : kKinds) one.running[kind] = entry->second.running_of(kind);
      for (const auto kind : {model::Kind::kTraining, model::Kind::kInference})
        one.limits[kind] = entry->second.limits.of(kind);
    }
    figures.devices.push_back(std::move(one));
  }
  for (const auto& [sequence, task] : engine_.table().published()) {
    ++figures.tasks[{task->request.kind, task->state}];
    if (task->state != model::TaskState::kQueued && task->state != model::TaskState::kPending)
      continue;
    const double waits = seconds(now - task->created);
    figures.oldest_wait_seconds = std::max(figures.oldest_wait_seconds.value_or(0), waits);
  }
  figures.counters = &counters_;
  figures.leases = static_cast<std::uint64_t>(
      std::count_if(engine_.state().tasks.begin(), engine_.state().tasks.end(),
                    [](const auto& entry) { return entry.second.is_lease(); }));
  figures.watchers = watchers;
  figures.ready = engine_.check_room().has_value();
  figures.start_time_seconds = static_cast<double>(base::to_ms(begin_)) / 1000;
  return metrics::exposition(figures, model_label);
}

}  // namespace berth::daemon
