// SPDX-License-Identifier: Apache-2.0
// Texts in Chinese, found by the English text itself with its holes filled: what comes out of
// another process or a record (a driver's word, a worker's reason, an error) is known in English
// only. Texts of ours that are still patterns and values are phrases (base/phrase.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::base {

enum class Values : std::uint8_t {
  kAsTheyStand,  // names, paths, amounts and other words of users
  kLastSaid,     // the last one is a reason, said in Chinese where it is known
  kFirstSaid     // the first one is
};

struct Rendering {
  std::string_view english;  // "{}" for each hole
  std::string_view chinese;  // the same holes; "{1}" is the second
  Values values = Values::kAsTheyStand;
};

/// Rows of several tables as one.
class Renderings {
 public:
  Renderings(std::initializer_list<std::span<const Rendering>> tables);

  /// `english`, a text of a table with its holes filled, in Chinese; itself where it is not known
  /// or very long. Of two rows that fit, the one that says more of it. A hole ends where what
  /// follows it in the row first stands; the last one, at the end of the text. A reason behind ":
  /// ", which a path before it may hold too, is the longest that is known, else the last piece.
  [[nodiscard]] std::string in_chinese(std::string_view english) const;

 private:
  [[nodiscard]] std::string in_chinese(std::string_view english, int depth) const;
  [[nodiscard]] std::string said(const Rendering& row, std::string_view english, int depth) const;

  std::vector<Rendering> rows_;
};

}  // namespace berth::base
