// SPDX-License-Identifier: Apache-2.0
// Words with holes, so that whoever shows them can say them in another language: the pattern is the
// key of the translation, the values are filled in afterwards.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::base {

struct Phrase {
  std::string_view pattern = "";  // a literal; "{}" takes the next value, "{1}" the second
  std::vector<std::string> values;

  Phrase() = default;
  Phrase(std::string_view text, std::vector<std::string> filling)
      : pattern(text), values(std::move(filling)) {}
  /// What reads the same in every language: an amount, a name.
  explicit Phrase(std::string text) : pattern("{}"), values{std::move(text)} {}
  explicit Phrase(std::string_view literal) : pattern(literal) {}
  bool operator==(const Phrase&) const = default;
};

/// `pattern` with its holes filled; values that are missing leave theirs empty.
std::string fill(std::string_view pattern, const std::vector<std::string>& values);
inline std::string to_text(const Phrase& phrase) { return fill(phrase.pattern, phrase.values); }

}  // namespace berth::base
