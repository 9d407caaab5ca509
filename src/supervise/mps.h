// SPDX-License-Identifier: Apache-2.0
// CUDA MPS where the site runs it: its clients can be given a limit of device memory each.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "model/task.h"

namespace berth::supervise {

inline constexpr const char* kMpsDefaultPipes = "/tmp/nvidia-mps";

/// Whether a control daemon that serves `user` listens in the pipe directory: its pid file names a
/// living process of that user or of root, and its control pipe is there. A wrong directory would
/// make a task run without MPS and without a limit, silently.
bool mps_runs(const std::string& pipe_directory, uid_t user);

/// The value of CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: "0=10240M,1=10240M". The numbers are those inside
/// the task, where only its own devices are visible, so there is one for each and none besides: an
/// entry that names an invisible device makes MPS drop all of them. std::nullopt when a share
/// reserves less than a MiB.
std::optional<std::string> mps_limits(const std::vector<model::Share>& shares);

}  // namespace berth::supervise
