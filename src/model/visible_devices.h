// SPDX-License-Identifier: Apache-2.0
// The environment variables by which a program sees the devices that it was given and no others.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/device.h"

namespace berth::model {

/// "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK",
/// "ASCEND_RT_VISIBLE_DEVICES"; for the processor CUDA's, which is left empty.
std::string_view visible_variable(Vendor vendor);

/// All such variables there are, so that what was set before can be taken away.
const std::vector<std::string>& visible_variables();

/// The variable for these devices of one vendor, in order, and CUDA_DEVICE_ORDER=PCI_BUS_ID. By
/// UUID where the vendor's driver takes one, else by number.
std::map<std::string, std::string> visible_devices(const std::vector<Device>& devices);

/// "cuda:0" on any single card: inside the program the first device is always number 0. "cpu" for
/// none.
std::string device_inside(const std::vector<Device>& devices);

}  // namespace berth::model
