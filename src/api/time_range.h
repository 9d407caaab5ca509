// SPDX-License-Identifier: Apache-2.0
// ?from=&to= of a query, and in which format it is to be answered.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "http/request.h"

namespace berth::api {

/// Seconds since 1970; `from` is before `to`.
struct TimeRange {
  std::int64_t from = 0;
  std::int64_t to = 0;  // not in it
};

/// Each is a time such as 2026-01-02T03:04:05Z, seconds since 1970, or how long ago ("90m").
/// Without them the last `span`. kBadRequest.
base::Result<TimeRange> read_time_range(const http::Request& request, base::Time now,
                                        base::Duration span);

/// ?format=csv; kBadRequest for what is neither that nor json.
base::Result<bool> wants_csv(const http::Request& request);

}  // namespace berth::api
