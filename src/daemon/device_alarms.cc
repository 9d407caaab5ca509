// SPDX-License-Identifier: Apache-2.0
#include "daemon/device_alarms.h"

#include <algorithm>
#include <cstdio>

#include "model/device_report.h"

namespace berth::daemon {

namespace {

using base::json::object;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", value);
  return text;
}

std::string for_how_long(base::Duration time) {
  const auto seconds = time.count() / 1000;
  return seconds < 120 ? std::to_string(seconds) + " s" : std::to_string(seconds / 60) + " min";
}

std::string name_of(const model::Device& device) { return device.name + " (" + device.model + ")"; }

object device_detail(const model::Device& device) {
  return object{{"name", device.name}, {"uuid", device.id.value}, {"model", device.model}};
}

/// What a process of the device does is known for itself, or, where it is the only one, from the
/// device.
std::optional<int> use_of(const model::DeviceProcess& process, const model::Sample& sample) {
  if (process.utilization_percent) return process.utilization_percent;
  if (sample.utilization_percent == 0 || sample.processes->size() == 1)
    return sample.utilization_percent;
  return std::nullopt;
}

}  // namespace

bool is_throttled(const model::Sample& sample, const Thresholds& thresholds) {
  if (thresholds.temperature_c && sample.temperature_c &&
      *sample.temperature_c >= *thresholds.temperature_c)
    return true;
  return model::slowed_down(sample);
}

bool DeviceAlarms::crosses(Level& level, double value, double threshold, base::Time now) const {
  const bool other_side = level.raised ? value < threshold * (1 - kMargin) : value >= threshold;
  if (!other_side) {
    level.since.reset();
    return false;
  }
  if (!level.since) level.since = now;
  if (now - *level.since < kSettled) return false;
  level.since.reset();
  level.raised = !level.raised;
  return level.raised;
}

void DeviceAlarms::look_at_levels(const Look& look, base::Time now, std::vector<Notice>* notices) {
  const auto tell = [&](Happening what, const std::string& text, object detail) {
    detail["device"] = device_detail(*look.device);
    notices->push_back(Notice{what, name_of(*look.device) + " " + text, std::move(detail), now});
  };
  if (thresholds_.temperature_c && look.sample->temperature_c &&
      crosses(heat_[look.device->id], *look.sample->temperature_c, *thresholds_.temperature_c,
              now)) {
    tell(Happening::kDeviceHot,
         "has " + number(*look.sample->temperature_c) + " °C, the threshold is " +
             number(*thresholds_.temperature_c) + " °C",
         object{{"temperature_c", *look.sample->temperature_c},
                {"threshold_c", *thresholds_.temperature_c}});
  }
  if (thresholds_.power_w && look.sample->power_w &&
      crosses(power_[look.device->id], *look.sample->power_w, *thresholds_.power_w, now)) {
    tell(Happening::kDevicePower,
         "takes " + number(*look.sample->power_w) + " W, the threshold is " +
             number(*thresholds_.power_w) + " W",
         object{{"power_w", *look.sample->power_w}, {"threshold_w", *thresholds_.power_w}});
  }
}

void DeviceAlarms::look_at_holders(const Look& look, base::Time now, std::set<Holder>* seen,
                                   std::vector<Notice>* notices) {
  if (!thresholds_.idle_holder || !look.sample->processes) return;
  for (const model::DeviceProcess& process : *look.sample->processes) {
    const Holder holder{look.device->id, process.pid};
    seen->insert(holder);
    const auto use = use_of(process, *look.sample);
    const bool idle = process.used_memory.value_or(base::Bytes{}) >= kHeld && use == 0;
    if (!idle) {
      // A reading that says nothing proves nothing either way.
      if (use || process.used_memory.value_or(base::Bytes{}) < kHeld) idle_.erase(holder);
      continue;
    }
    Idle& since = idle_.try_emplace(holder, Idle{now, false}).first->second;
    if (since.told || now - since.since < *thresholds_.idle_holder) continue;
    since.told = true;
    object detail{{"device", device_detail(*look.device)},
                  {"process", model::process_report(process)},
                  {"idle_s", (now - since.since).count() / 1000}};
    const auto task = look.task_by_pid.find(process.pid);
    if (task != look.task_by_pid.end()) detail["task_id"] = task->second;
    notices->push_back(
        Notice{Happening::kIdleHolder,
               "process " + std::to_string(process.pid) +
                   (process.user.empty() ? "" : " of " + process.user) + " holds " +
                   base::to_text(*process.used_memory) + " of " + name_of(*look.device) +
                   " and has not used it for " + for_how_long(now - since.since) +
                   (task != look.task_by_pid.end() ? " (task " + task->second + ")" : ""),
               std::move(detail), now});
  }
}

std::vector<Notice> DeviceAlarms::look(const std::vector<Look>& looks, base::Time now) {
  std::vector<Notice> notices;
  std::set<Holder> seen;
  std::set<model::DeviceId> present;
  for (const Look& look : looks) {
    present.insert(look.device->id);
    look_at_levels(look, now, &notices);
    look_at_holders(look, now, &seen, &notices);
  }
  std::erase_if(idle_, [&](const auto& entry) { return !seen.contains(entry.first); });
  for (auto* levels : {&heat_, &power_})
    std::erase_if(*levels, [&](const auto& entry) { return !present.contains(entry.first); });
  return notices;
}

}  // namespace berth::daemon
