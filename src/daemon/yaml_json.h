// SPDX-License-Identifier: Apache-2.0
// YAML for those who know JSON only.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace berth::daemon {

/// Plain words that are numbers, true, false or null become those; quoted ones stay text. At most
/// 100 levels deep. kBadRequest with the line.
base::Result<base::json::value> yaml_as_json(const std::string& text);

}  // namespace berth::daemon
