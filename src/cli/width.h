// SPDX-License-Identifier: Apache-2.0
// How many terminal columns text takes. East Asian wide characters and emoji take two (Unicode
// UAX #11), combining marks none, escape sequences of paint() none.
#pragma once

#include <string>
#include <string_view>

namespace berth::cli {

int display_width(std::string_view text);

/// At most `width` columns: what is cut off ends in "…". Not for painted text.
std::string fit(std::string_view text, int width);

/// The same for painted text: what paints it stays, and is ended behind what is left.
std::string fit_painted(std::string_view text, int width);

/// Filled with blanks to `width` columns; painted text is fine.
std::string pad_right(std::string_view text, int width);
std::string pad_left(std::string_view text, int width);

/// Safe to show: valid UTF-8; control characters and bidirectional overrides (names and messages
/// come from other users) become "·"; line breaks become blanks.
std::string printable(std::string_view text);

/// `text` broken at blanks, and beside wide characters, into lines of at most `width` columns,
/// joined by "\n" + `indent`. Not for painted text. Width 0: no limit.
std::string wrap(std::string_view text, int width, std::string_view indent);

}  // namespace berth::cli
