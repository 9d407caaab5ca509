// SPDX-License-Identifier: Apache-2.0
// What takes no new tasks, in words; `drains` is the object of GET /api/v2/resources/drain.
#pragma once

#include <set>
#include <string>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// A sentence for the machine and for each device that is drained; devices in `but` are left out.
/// Empty when nothing is.
std::string render_drains(const base::json::object& drains, const std::set<std::string>& but,
                          const Screen& screen);

bool machine_is_drained(const base::json::object& drains);

/// "drained: a new fan"; empty when the device takes tasks, whatever the machine does.
std::string device_drain(const base::json::object& drains, const std::string& device);

}  // namespace berth::cli
