// SPDX-License-Identifier: Apache-2.0
// One POST to somewhere else, http or https. Waits for the answer: for threads that may wait.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace berth::http {

/// The answer's status, whatever it is; redirections are not followed. kUnavailable where there is
/// no answer within `patience`, kBadRequest for what is no http(s) URL.
base::Result<long> post(const std::string& url, const std::string& content_type,
                        const std::string& body, std::chrono::milliseconds patience);

}  // namespace berth::http
