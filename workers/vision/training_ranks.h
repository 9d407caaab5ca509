// SPDX-License-Identifier: Apache-2.0
// A training in several processes that are one task: data parallel, a process per GPU.
#pragma once

#include <string>

#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "vision/train_spec.h"

namespace berth::vision {

/// Whether this process is to run the others (train_ranks) instead of training itself.
bool wants_ranks(const TrainSpec& spec);

/// Runs `program train --spec spec_path` spec.processes times and answers for all of them. Errors:
/// as runtime::run_ranks; what a rank's training fails with.
protocol::Status train_ranks(const TrainSpec& spec, const std::string& program,
                             const std::string& spec_path, protocol::EventWriter* events);

}  // namespace berth::vision
