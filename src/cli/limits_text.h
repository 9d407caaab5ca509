// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// `berth limits`: how many run and how many may, per device and kind; `resources` is the object of
/// GET /api/v2/resources.
std::string render_limits(const base::json::object& resources, const Screen& screen);

}  // namespace berth::cli
