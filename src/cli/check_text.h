// SPDX-License-Identifier: Apache-2.0
// Document 004: the memory check and the choice of the GPU with most memory free, as text. Pure:
// `report` is as for gpus_text.h.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// `berth check`.
std::string render_check(const base::json::object& report, const Screen& screen);

/// What the automatic choice looks at: a line for each GPU. Without one, that the CPU is taken.
std::string render_candidates(const base::json::object& report);

/// What it has chosen, `device_name` of the report, with a warning where little is free.
std::string render_choice(const base::json::object& report, std::string_view device_name);

/// The warning that less than 2 GiB are free; empty when more are, or when nobody knows.
std::string scarcity_warning(const base::json::object& device);

}  // namespace berth::cli
