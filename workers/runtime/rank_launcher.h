// SPDX-License-Identifier: Apache-2.0
// Runs one program several times, as the ranks of a process group, and answers for all of them: one
// of them failing ends the others, and one error tells why. Knows nothing of torch.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::runtime {

struct RankLaunch {
  std::vector<std::string> argv;  ///< argv[0] is a path
  int ranks = 2;
  /// What is added to a rank's environment, beside what process_group.h reads.
  std::function<std::map<std::string, std::string>(int rank)> environment;
  /// Ranks on GPUs talk through NCCL: where that fails all are run once more without peer-to-peer.
  bool on_gpus = false;
  /// From SIGTERM to SIGKILL, and how long a rank that only lost the others waits to be explained.
  std::chrono::milliseconds grace{5000}, explanation{1000};
};

/// Returns when no rank is left. What rank 0 tells goes to `events`, of the others their warnings;
/// the result is told when all have ended well. SIGTERM and SIGINT are passed on to the ranks, and
/// then end this process as install_termination() does. A rank ends when this process does.
/// The caller has no other threads. Errors: that of the rank which failed first, not of those that
/// merely lost it; kInternal for one that a signal ended; kIoError where none can be started.
protocol::Status run_ranks(const RankLaunch& launch, protocol::EventWriter* events);

}  // namespace berth::runtime
