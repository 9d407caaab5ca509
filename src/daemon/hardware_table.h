// SPDX-License-Identifier: Apache-2.0
// What berthd prints when it starts: document 000's table of the GPUs, in its words.
#pragma once

#include <string>

#include "api/service.h"

namespace berth::daemon {

/// `language`: "zh" or "en".
std::string hardware_table(api::Service& service, const std::string& language);

}  // namespace berth::daemon
