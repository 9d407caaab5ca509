// SPDX-License-Identifier: Apache-2.0
// Devices as text and the choice among them. Pure: `report` is the object of GET
// /api/v2/resources/gpu, with that of GET /api/v2/resources/drain as `drain` and the list of GET
// /api/v2/leases as `leases` where a daemon has answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/holders_text.h"
#include "cli/screen.h"
#include "cli/verbs.h"

namespace berth::cli {

/// `berth gpus`: a line per device, MIG instances under their GPU, below it trouble and the
/// `processes` that hold most memory.
std::string render_gpus(const base::json::object& report, std::string_view source,
                        const Screen& screen, std::size_t processes = kProcessesShown);

/// `berth gpus --topology`: a row and a column per GPU, with what the letters mean.
std::string render_topology(const base::json::object& report, const Screen& screen);

/// "23.69 GB", "n/a".
std::string number(const std::optional<double>& value, int decimals, std::string_view unit);

/// GiB that a new task could have: what the driver reports free, less what running tasks have
/// reserved and not taken yet, where a daemon knows of such.
std::optional<double> free_gb(const base::json::object& device);

/// The devices to take, best first, as objects of the report. kNeverFits with the reason when there
/// are not enough that fit. Several are of one model where that is possible.
base::Result<std::vector<base::json::object>> choose(const base::json::object& report,
                                                     const PickOptions& options);

/// What `berth pick` prints, with its line end.
std::string render_pick(const std::vector<base::json::object>& devices, PickFormat format);

}  // namespace berth::cli
