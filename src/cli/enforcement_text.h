// SPDX-License-Identifier: Apache-2.0
// What keeps tasks to their memory and away from GPUs of others, in words (docs/architecture.md).
#pragma once

#include <string>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// "kernel or driver (dmem)"; `enforcement` has `rung` and `by`.
std::string rung_text(const base::json::object& enforcement);

/// Whether tasks can open GPUs that they were not given; `why_open` may be empty.
std::string other_gpus_text(bool fenced, const std::string& why_open);

/// Of the devices in a report (GET /api/v2/resources/gpu), one line per answer that they have in
/// common; "" where the report does not tell.
std::string render_enforcement(const base::json::object& report, const Screen& screen);

}  // namespace berth::cli
