// SPDX-License-Identifier: Apache-2.0
#include "base/rendering.h"

#include <algorithm>
#include <optional>

#include "base/phrase.h"
#include "base/text.h"

namespace berth::base {

namespace {

constexpr std::string_view kHole = "{}";
constexpr std::string_view kBetween = "; ";

std::size_t letters(std::string_view pattern) {
  std::size_t count = pattern.size();
  for (auto at = pattern.find(kHole); at != std::string_view::npos;
       at = pattern.find(kHole, at + kHole.size()))
    count -= kHole.size();
  return count;
}

/// What stands in the holes of `pattern` where `text` is that pattern filled. A hole ends where
/// what follows it first stands; the last one, at the end of the text.
std::optional<std::vector<std::string_view>> match(std::string_view pattern,
                                                   std::string_view text) {
  std::vector<std::string_view> values;
  for (bool first = true;; first = false) {
    const auto hole = pattern.find(kHole);
    const auto piece = pattern.substr(0, hole);
    const bool last = hole == std::string_view::npos;
    if (first) {
      if (last ? text != piece : !text.starts_with(piece)) return std::nullopt;
      text.remove_prefix(piece.size());
    } else {
      const auto place = piece.empty() || (last && text.size() < piece.size()) ? text.size()
                         : last ? text.size() - piece.size()
                                : text.find(piece, 1);
      if (place == std::string_view::npos || place == 0 || !text.substr(place).starts_with(piece))
        return std::nullopt;
      values.push_back(text.substr(0, place));
      text.remove_prefix(place + piece.size());
    }
    if (last) return values;
    pattern.remove_prefix(hole + kHole.size());
  }
}

}  // namespace

Renderings::Renderings(std::initializer_list<std::span<const Rendering>> tables) {
  for (const auto& table : tables) rows_.insert(rows_.end(), table.begin(), table.end());
  std::stable_sort(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
    return letters(a.english) > letters(b.english);
  });
}

std::string Renderings::each_in_chinese(std::string_view list) const {
  std::vector<std::string> said;
  for (;;) {
    const auto end = list.find(kBetween);
    said.push_back(in_chinese(list.substr(0, end)));
    if (end == std::string_view::npos) return join(said, "；");
    list.remove_prefix(end + kBetween.size());
  }
}

std::string Renderings::in_chinese(std::string_view english) const {
  for (const Rendering& row : rows_) {
    const auto values = match(row.english, english);
    if (!values) continue;
    std::vector<std::string> said;
    for (const auto value : *values)
      said.push_back(row.values == Values::kAsTheyStand ? std::string(value) : in_chinese(value));
    if (row.values == Values::kEachSaid) said.back() = each_in_chinese(values->back());
    return fill(row.chinese, said);
  }
  return std::string(english);
}

}  // namespace berth::base
