// SPDX-License-Identifier: Apache-2.0
// Where a device belongs, in the words of GET /api/v2/resources/gpu.
#pragma once

#include "base/json.h"
#include "model/device.h"

namespace berth::model {

/// Adds "partitioned", "mig", "numa_node" and "links" to the report of a device.
void add_belongings(base::json::object& report, const Device& device);

}  // namespace berth::model
