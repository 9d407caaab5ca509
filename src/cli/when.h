// SPDX-License-Identifier: Apache-2.0
// Times of the API, read and worded for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace berth::cli {

/// "2026-01-02T03:04:05.678Z", with any fraction and a zone "Z", "+08:00" or none (UTC).
std::optional<base::Time> parse_iso8601(std::string_view text);

/// "12s", "3m 04s", "2h 05m", "3d 04h" ("3分04秒"): two units at most. Negative durations are "0s".
std::string words(base::Duration duration);

/// In the local zone: "14:03:07" for the same day as `now`, else "2026-01-02 14:03".
std::string local_time(base::Time time, base::Time now);

}  // namespace berth::cli
