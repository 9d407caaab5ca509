// SPDX-License-Identifier: Apache-2.0
// The textual forms of numbers and strings in pickles of protocol 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::checkpoint {

/// Python's repr of a byte string, quotes included: 'a\x00\'b'. Nothing if it is malformed.
std::optional<std::string> unquoted(std::string_view line);

/// Python's raw-unicode-escape: Latin-1 with \uXXXX and \UXXXXXXXX, as UTF-8. Nothing if it is
/// malformed.
std::optional<std::string> unescaped_unicode(std::string_view line);

/// Latin-1 code points, given as UTF-8, as bytes; nothing if one is beyond 255.
std::optional<std::string> latin1_bytes(std::string_view utf8);

std::optional<int64_t> decimal(std::string_view text);
std::optional<double> real_number(std::string_view text);

/// A little-endian two's complement number of more than 8 bytes as decimal text; empty if it has
/// more than 16 bytes (a 17th of 0 is allowed: an unsigned 128-bit number).
std::string wide_decimal(std::string_view little_endian);

}  // namespace berth::checkpoint
