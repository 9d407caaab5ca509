// SPDX-License-Identifier: Apache-2.0
// What berth-worker-signal does; workers/README.md lists the fields of each specification.
#pragma once

#include <string>

#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::signal {

/// `task` is one of task_names(). Reads the specification, does the work and ends with a result
/// event. `threads`: what the machine offers where the specification says nothing. The error has
/// not been reported to `events` yet.
protocol::Status run_task(const std::string& task, const std::string& spec_path, int threads,
                          protocol::EventWriter* events);

bool is_task(const std::string& name);

}  // namespace berth::signal
