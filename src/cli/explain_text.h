// SPDX-License-Identifier: Apache-2.0
// Why a task waits, as text. Pure: `explanation` is the object of GET .../explain.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// `berth why`.
std::string render_explanation(const base::json::object& explanation, const Screen& screen);

/// "cuda:0 memory: needs 20.00 GB, has 2.40 GB (and 1 more device)"; the summary, or nothing, when
/// no device is waited for.
std::string waiting_reason(const base::json::object& explanation);

}  // namespace berth::cli
