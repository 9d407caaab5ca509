// SPDX-License-Identifier: Apache-2.0
// What was made of recordings of radio signals as text. Pure: from JSON to text.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// The lines at the end: pictures or a line for each recording that was measured, what was left
/// out, the folder or file. `task_type`: one that is_signal().
std::string render_signal_stats(std::string_view task_type, const base::json::object& stats,
                                const Screen& screen);

/// "2.44 GHz", "-1.5 MHz".
std::string frequency_text(double hertz);

}  // namespace berth::cli
