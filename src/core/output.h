// SPDX-License-Identifier: Apache-2.0
// What step() decided. The daemon carries outputs out after the journal has them; each names task
// and attempt, so carrying one out twice does no harm.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/state.h"

namespace berth::core {

/// Why a task that asked for a GPU is run on the processor.
enum class Fallback : std::uint8_t { kNone, kNoGpu, kWorkerWithoutGpu };

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
};

/// End the process tree: terminate, grace, kill.
struct Stop {
  TaskId task;
  int attempt = 0;
};

/// The task is final and no longer in the state.
struct Finished {
  TaskId task;
  model::TaskState state = model::TaskState::kCompleted;
  int attempt = 0;  // 0: never launched
  model::Exit exit;
};

using Output = std::variant<Queued, Refused, Launch, Stop, Finished>;

base::json::object to_json(const Output& output);

}  // namespace berth::core
