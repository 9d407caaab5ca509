// SPDX-License-Identifier: Apache-2.0
// Wall-clock time in milliseconds. Only the daemon and the command line ask for "now"; everything
// else gets a Time as a parameter.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::base {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

Time now();
std::int64_t to_ms(Time time);
Time from_ms(std::int64_t ms);

/// ISO 8601 with milliseconds and the zone UTC: "2026-01-02T03:04:05.678Z".
std::string iso8601(Time time);

/// The reverse; fractions of a second and an offset ("+08:00") are understood too.
std::optional<Time> parse_iso8601(std::string_view text);

/// "30", "30s", "5m", "2h", "1d"; milliseconds as "500ms". std::nullopt when it is none of these.
std::optional<Duration> parse_duration(const std::string& text);

}  // namespace berth::base
