// SPDX-License-Identifier: Apache-2.0
// The devices of a report (gpus_text.h) as a table. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// Those that take tasks, then the others.
std::vector<base::json::object> reported_devices(const base::json::object& report);

/// Which of them are parts of the GPU before them.
bool is_mig_instance(const base::json::object& device);

/// A row for each device, MIG instances under their GPU, below it what is wrong there and, where
/// `processes` is given, who holds its memory: the leases, and so many of the processes. Empty
/// where there is no device.
std::string render_device_table(const base::json::object& report, const Screen& screen,
                                std::optional<std::size_t> processes);

}  // namespace berth::cli
