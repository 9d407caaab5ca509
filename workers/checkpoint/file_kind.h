// SPDX-License-Identifier: Apache-2.0
// What a file that is no checkpoint looks like, so that a message can say what would be right.
#pragma once

#include <string>
#include <string_view>

namespace berth::checkpoint {

/// For example "is an HTML page, not weights: ...". `bytes` is the whole file.
std::string what_it_looks_like(std::string_view bytes);

}  // namespace berth::checkpoint
