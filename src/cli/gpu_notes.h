// SPDX-License-Identifier: Apache-2.0
// What is worth a line below a device: why it is slow, what is broken, whose memory is nobody's.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace berth::cli {

/// Of a device of GET /api/v2/resources/gpu, in the language in force; none for one that is well.
std::vector<std::string> gpu_notes(const base::json::object& device);

/// Why it is slower than it could be, so that it is chosen last; "" when it is not.
std::string slow_note(const base::json::object& device);

/// "4.0 x16"; "3.0 x4 of x16" for a link that is narrower than it could be; "n/a".
std::string pcie_text(const base::json::object& device);
/// Whether it is narrower.
bool pcie_is_narrow(const base::json::object& device);

}  // namespace berth::cli
