// SPDX-License-Identifier: Apache-2.0
// Where a task runs, and how much memory of it. Pure: from JSON to text.
#pragma once

#include <string>

#include "base/json.h"

namespace berth::cli {

/// "cuda:0 8.00 GB (uses 7.20 GB), cuda:1 8.00 GB"; "" for a task without a place.
std::string placement_text(const base::json::object& task);

/// "uses 9.10 GB, 8.00 GB reserved", when it holds more of a device than is kept for it; else "".
std::string over_reserved_text(const base::json::object& task);

}  // namespace berth::cli
