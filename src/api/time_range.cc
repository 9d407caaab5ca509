// SPDX-License-Identifier: Apache-2.0
#include "api/time_range.h"

#include <optional>
#include <string>
#include <utility>

#include "base/text.h"

namespace berth::api {

namespace {

/// "1h" before now, "2026-01-02T03:04:05Z" or seconds since 1970.
std::optional<std::int64_t> moment(std::string_view text, base::Time now) {
  if (const auto seconds = base::parse_number(text); seconds && *seconds > 1'000'000'000)
    return seconds;
  if (const auto time = base::parse_iso8601(text)) return base::to_ms(*time) / 1000;
  if (const auto ago = base::parse_duration(std::string(text)))
    return base::to_ms(now - *ago) / 1000;
  return std::nullopt;
}

}  // namespace

base::Result<TimeRange> read_time_range(const http::Request& request, base::Time now,
                                        base::Duration span) {
  const std::int64_t second = base::to_ms(now) / 1000;
  TimeRange range{second - span.count() / 1000, second + 1};
  for (const auto& [name, target] : {std::pair("from", &range.from), std::pair("to", &range.to)}) {
    const std::string text(request.query.get(name));
    if (text.empty()) continue;
    const auto time = moment(text, now);
    if (!time) {
      return base::fail(base::ErrorCode::kBadRequest,
                        std::string(name) + " is \"" + text +
                            "\": it is a time such as 2026-01-02T03:04:05Z, or how long ago, "
                            "such as 90m");
    }
    *target = *time;
  }
  if (range.from >= range.to)
    return base::fail(base::ErrorCode::kBadRequest, "from must be before to");
  return range;
}

base::Result<bool> wants_csv(const http::Request& request) {
  const std::string format(request.query.get("format"));
  if (!format.empty() && format != "json" && format != "csv") {
    return base::fail(base::ErrorCode::kBadRequest,
                      "format is \"" + format + "\": it is json or csv");
  }
  return format == "csv";
}

}  // namespace berth::api
