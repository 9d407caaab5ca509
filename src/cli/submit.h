// SPDX-License-Identifier: Apache-2.0
// What run, train and infer have in common.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace berth::cli {

/// Posts `body` and gives the id of the task accepted; with kNotReachable and the like as
/// session.h.
base::Result<base::json::object> submit(std::string_view path, const base::json::object& body);

/// The caller's environment as a JSON object, without BERTH_TOKEN and what is not UTF-8.
base::json::object caller_environment();

}  // namespace berth::cli
