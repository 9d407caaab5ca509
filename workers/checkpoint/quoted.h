// SPDX-License-Identifier: Apache-2.0
// Texts of unknown files in messages.
#pragma once

#include <string>
#include <string_view>

namespace berth::checkpoint {

/// `text` as valid UTF-8 on one line: control characters become U+FFFD, so that no file can move a
/// terminal's cursor; at most `most` bytes, then "...".
std::string readable(std::string_view text, size_t most = 200);

/// The same in quotation marks.
std::string quoted(std::string_view text);

}  // namespace berth::checkpoint
