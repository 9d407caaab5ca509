// SPDX-License-Identifier: Apache-2.0
// The life of a task as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/phrase.h"
#include "model/request.h"

namespace berth::model {

/// pending -> queued -> running -> completed | failed | cancelled; the last three are final.
enum class TaskState : std::uint8_t {
  kPending,
  kQueued,
  kRunning,
  kCompleted,
  kFailed,
  kCancelled
};
std::string_view to_text(TaskState state);
std::optional<TaskState> task_state_from_text(std::string_view text);
inline bool is_final(TaskState state) { return state >= TaskState::kCompleted; }

/// One device of a placement and what is reserved there.
struct Share {
  DeviceId device;
  std::string name;      // "cuda:0"
  base::Bytes reserved;  // 0 when nothing is reserved (the processor without a wish)
};

/// Where the reservation's size came from; the answer to "why 14.4 GB?".
enum class ReservationRule : std::uint8_t {
  kRequested,
  kNominal,
  kHistory,
  kKindShare,
  kWholeDevice,
  kNone,
  kFraction,  // as requested, in percent of what the device can give
  kEstimate   // from what is known of the built-in task
};
std::string_view to_text(ReservationRule rule);

struct Placement {
  std::vector<Share> shares;  // at least one
  ReservationRule rule = ReservationRule::kNone;
};

/// Why one device does not take a task now (wait) or ever (never).
struct Refusal {
  DeviceId device;
  std::string name;
  base::RefusalCode code{};
  base::Phrase needed;     // "20.00 GB", "a slot for training"
  base::Phrase available;  // "2.40 GB", "1 of 1 in use"
  bool never = false;
};

/// How a process ended.
struct Exit {
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string cause;  // "exited", "cancelled", "timeout", "memory_limit", "launch_failed", "lost"
};

base::json::object to_json(const Placement& placement);
base::Result<Placement> placement_from_json(const base::json::object& object);
base::json::object to_json(const Exit& exit);
Exit exit_from_json(const base::json::object& object);

}  // namespace berth::model
