// SPDX-License-Identifier: Apache-2.0
// Small operations on strings that several modules need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::base {

std::string lower(std::string_view text);
std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// A whole non-negative decimal number and nothing else.
std::optional<std::int64_t> parse_number(std::string_view text);

/// Replaces what is no valid UTF-8 by U+FFFD, so that any program's output can stand in JSON.
std::string to_utf8(std::string_view bytes);

}  // namespace berth::base
