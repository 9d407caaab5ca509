// SPDX-License-Identifier: Apache-2.0
// What a task has used of its devices, as text. Pure: from JSON to text.
#pragma once

#include <string>

#include "base/json.h"

namespace berth::cli {

/// "2.00 GB at most, 1.80 GB on average, 62% busy, 12.3 kJ" of a TaskResponse; empty of a task that
/// was seen on no GPU.
std::string usage_text(const base::json::object& task);

}  // namespace berth::cli
