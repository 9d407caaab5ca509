// SPDX-License-Identifier: Apache-2.0
// What somebody may want to be told of, and whom to tell: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "model/request.h"

namespace berth::daemon {

enum class Happening : std::uint8_t {
  kTaskCompleted,
  kTaskFailed,
  kTaskCancelled,
  kDeviceFailed,
  kDeviceRecovered,
  kDeviceHot,    // thresholds.temperature
  kDevicePower,  // thresholds.power
  kIdleHolder,   // thresholds.idle_holder
  kTest,         // asked for; goes to all targets
};

/// Those that a target may choose.
inline constexpr std::array<std::pair<Happening, std::string_view>, 8> kHappenings{{
    {Happening::kTaskCompleted, "task_completed"},
    {Happening::kTaskFailed, "task_failed"},
    {Happening::kTaskCancelled, "task_cancelled"},
    {Happening::kDeviceFailed, "device_failed"},
    {Happening::kDeviceRecovered, "device_recovered"},
    {Happening::kDeviceHot, "device_hot"},
    {Happening::kDevicePower, "device_power"},
    {Happening::kIdleHolder, "idle_holder"},
}};
std::string_view to_text(Happening what);
std::optional<Happening> happening_from_text(std::string_view text);

struct Notice {
  Happening what = Happening::kTaskCompleted;
  std::string text;           // a sentence for people, in English
  base::json::object detail;  // {"task": TaskResponse} or {"device": ..., ...}
  base::Time at{};
  // What a target may choose by; nothing of a device.
  std::optional<model::Kind> kind = {};
  std::string user = {};
};

/// Of the configuration's list `notifications`: one of url and command.
struct NoticeTarget {
  std::string url;                   // gets a POST with the notice as JSON
  std::vector<std::string> command;  // gets it on standard input
  std::set<Happening> on;            // empty: all
  std::set<model::Kind> kinds;       // of tasks; empty: all
  std::set<std::string> users;       // of tasks; empty: all

  [[nodiscard]] bool wants(const Notice& notice) const;
};

/// Of the configuration's map `thresholds`; absent: not looked at.
struct Thresholds {
  std::optional<int> temperature_c;
  std::optional<double> power_w;
  /// A process that holds memory and has not used the device for so long.
  std::optional<base::Duration> idle_holder;
};

/// {"event", "text", "time", "host", ...detail}: what a target gets. `text` is the field that chat
/// services show.
std::string to_json_text(const Notice& notice, const std::string& host);

}  // namespace berth::daemon
