// SPDX-License-Identifier: Apache-2.0
// What step() decided. The daemon carries outputs out after the journal has them; each names task
// and attempt, so carrying one out twice does no harm.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/phrase.h"
#include "core/state.h"

namespace berth::core {

/// Why a task that asked for a GPU is run on the processor.
enum class Fallback : std::uint8_t { kNone, kNoGpu, kWorkerWithoutGpu, kGpusBusy };

/// The task is in the queue.
struct Queued {
  TaskId task;
  Fallback fallback = Fallback::kNone;
};

/// The input was refused; the state is as before.
struct Refused {
  TaskId task;  // empty when no task is concerned
  base::Error error;
};

/// Reserved: start the process now.
struct Launch {
  TaskId task;
  int attempt = 0;
  model::Placement placement;
  Fallback fallback = Fallback::kNone;  // kGpusBusy, or as Queued said
};

/// End the process tree: terminate, grace, kill; with `now` kill.
struct Stop {
  TaskId task;
  int attempt = 0;
  bool now = false;
  std::string cause;  // "cancelled", "device_lost"
};

/// The attempt ended badly and the task is queued again.
struct Requeued {
  TaskId task;
  int attempt = 0;
  model::FailureKind kind = model::FailureKind::kExit;
  model::Exit exit;
  int retries = 0;                 // used so far
  std::optional<Time> not_before;  // when it is tried again at the earliest
  std::optional<Bytes> memory;     // the reservation that is asked for from now on, where it grew
  bool fenced = false;             // the old attempt could not be killed: it may still be there
};

/// The task is final and no longer in the state.
struct Finished {
  TaskId task;
  model::TaskState state = model::TaskState::kCompleted;
  int attempt = 0;  // 0: never launched
  model::Exit exit;
  base::Phrase why;  // where the scheduler ended it: words.h; else empty
};

/// The lease was given, or goes on; until then unless renewed.
struct Leased {
  TaskId task;
  model::Placement placement;
  Time until{};
};

struct LeaseEnded {
  TaskId task;
  std::string cause;  // "returned", "expired", "device_lost"
};

using Output = std::variant<Queued, Refused, Launch, Stop, Finished, Requeued, Leased, LeaseEnded>;

base::json::object to_json(const Output& output);

}  // namespace berth::core
