// SPDX-License-Identifier: Apache-2.0
#include "base/rendering.h"

#include <algorithm>
#include <optional>

#include "base/phrase.h"

namespace berth::base {

namespace {

constexpr std::string_view kHole = "{}";
constexpr std::string_view kBeforeReason = ": ";

// A text may be a program's own, and as long as it likes; reasons are short, and few deep.
constexpr std::size_t kLongest = 4096;
constexpr int kDeepest = 3;
constexpr int kMostPlaces = 4;

std::size_t letters(std::string_view pattern) {
  std::size_t count = pattern.size();
  for (auto at = pattern.find(kHole); at != std::string_view::npos;
       at = pattern.find(kHole, at + kHole.size()))
    count -= kHole.size();
  return count;
}

/// What stands in the holes of `pattern` where `text` is that pattern filled.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view text) {
  std::vector<std::string> values;
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
      values.emplace_back(text.substr(0, place));
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

std::string Renderings::in_chinese(std::string_view english) const {
  return in_chinese(english, 0);
}

std::string Renderings::in_chinese(std::string_view english, int depth) const {
  if (english.size() > kLongest || depth > kDeepest) return std::string(english);
  for (const Rendering& row : rows_) {
    auto text = said(row, english, depth);
    if (!text.empty()) return text;
  }
  return std::string(english);
}

/// Empty where the row does not fit.
std::string Renderings::said(const Rendering& row, std::string_view english, int depth) const {
  const std::string_view pattern = row.english;
  constexpr auto kEnd = kBeforeReason.size() + kHole.size();
  const bool of_reason = row.values == Values::kLastSaid && pattern.ends_with(kHole) &&
                         pattern.size() > kEnd &&
                         pattern.substr(pattern.size() - kEnd).starts_with(kBeforeReason) &&
                         pattern.substr(0, pattern.size() - kEnd).ends_with(kHole);
  if (!of_reason) {
    auto values = match(pattern, english);
    if (!values) return {};
    if (row.values == Values::kLastSaid) values->back() = in_chinese(values->back(), depth + 1);
    if (row.values == Values::kFirstSaid) values->front() = in_chinese(values->front(), depth + 1);
    return fill(row.chinese, *values);
  }
  const auto before = pattern.substr(0, pattern.size() - kEnd);
  std::string found;
  auto at = english.rfind(kBeforeReason);
  for (int place = 0; place < kMostPlaces && at != std::string_view::npos && at > 0; ++place) {
    const auto reason = english.substr(at + kBeforeReason.size());
    auto values = match(before, english.substr(0, at));
    if (values && !reason.empty()) {
      auto in_words = in_chinese(reason, depth + 1);
      // The longest that is known, else what stands last.
      if (in_words != reason || found.empty()) {
        values->push_back(std::move(in_words));
        found = fill(row.chinese, *values);
      }
    }
    at = english.rfind(kBeforeReason, at - 1);
  }
  return found;
}

}  // namespace berth::base
