// SPDX-License-Identifier: Apache-2.0
// Times of the API, read and worded for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace berth::cli {

using base::parse_iso8601;

/// "12s", "3m 04s", "2h 05m", "3d 04h" ("3分04秒"): two units at most. Negative durations are "0s".
std::string words(base::Duration duration);

/// In the local zone: "14:03:07" for the same day as `now`, else "2026-01-02 14:03".
std::string local_time(base::Time time, base::Time now);

}  // namespace berth::cli
