// SPDX-License-Identifier: Apache-2.0
// What every back end does with the processes that it found.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "device/process_table.h"
#include "model/device.h"

namespace berth::device {

/// By pid, with command, user and state. Those that were not there `before` are looked at anew; the
/// others only with `verify`.
std::vector<model::DeviceProcess> described(
    std::map<int, model::DeviceProcess> found,
    const std::optional<std::vector<model::DeviceProcess>>& before, ProcessTable& table,
    bool verify);

}  // namespace berth::device
