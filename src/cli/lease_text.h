// SPDX-License-Identifier: Apache-2.0
// Leases of the API as text. Pure: from JSON to text.
#pragma once

#include <string>

#include "base/json.h"
#include "base/time.h"
#include "cli/screen.h"
#include "cli/verbs.h"

namespace berth::cli {

/// "14:03:07 (in 45s)", or "process 4711 ends" of one that a process has adopted.
std::string lease_end(const base::json::object& lease, base::Time now);

/// "lease 0f3c8a11 holds cuda:0,cuda:1 until 14:03:07 (in 45s)".
std::string lease_text(const base::json::object& lease, base::Time now);

/// `berth leases`; `answer` is that of GET /api/v2/leases. Empty without leases.
std::string render_leases(const base::json::object& answer, base::Time now, const Screen& screen);

/// What `berth pick --hold` prints, with its line end.
std::string render_lease(const base::json::object& lease, PickFormat format);

}  // namespace berth::cli
