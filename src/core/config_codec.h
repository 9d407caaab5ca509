// SPDX-License-Identifier: Apache-2.0
// The scheduler's configuration as JSON.
#pragma once

#include "base/json.h"
#include "core/state.h"

namespace berth::core {

base::json::object to_json(const KindLimits& limits);
KindLimits limits_from_json(const base::json::object& from, KindLimits otherwise);
base::json::object to_json(const Config& config);
Config config_from_json(const base::json::object& object);

}  // namespace berth::core
