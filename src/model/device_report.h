// SPDX-License-Identifier: Apache-2.0
// A device and its readings in the words of GET /api/v2/resources/gpu: what the daemon and the
// command line without one both know.
#pragma once

#include "base/json.h"
#include "model/device.h"

namespace berth::model {

/// Facts and readings, without processes and what only the daemon knows. Memory in GiB with two
/// decimals; "utilization" is of the memory, in percent; what is not known is null.
base::json::object device_report(const Device& device, const Sample& sample);

/// Whether the driver has slowed the device down for its heat or for want of power.
bool slowed_down(const Readings& readings);

/// One of a device's processes, without whose it is.
base::json::object process_report(const DeviceProcess& process);

/// GiB with two decimals, or null.
base::json::value gib_or_null(const std::optional<base::Bytes>& bytes);

}  // namespace berth::model
