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
  kEachSaid,    // the last one is texts, "; " between them, that are said one by one, as the others
  kSaidToo,     // what fills a hole is said in Chinese where it is known
  kAsTheyStand  // names, paths and other words of users
};

struct Rendering {
  std::string_view english;  // "{}" for each hole
  std::string_view chinese;  // the same holes; "{1}" is the second
  Values values = Values::kSaidToo;
};

/// Rows of several tables as one.
class Renderings {
 public:
  Renderings(std::initializer_list<std::span<const Rendering>> tables);

  /// `english`, a text of a table with its holes filled, in Chinese; itself where it is not known.
  /// Of two rows that fit, the one that says more of it. A hole ends where what follows it in the
  /// row first stands; the last one, at the end of the text.
  [[nodiscard]] std::string in_chinese(std::string_view english) const;

 private:
  [[nodiscard]] std::string each_in_chinese(std::string_view list) const;

  std::vector<Rendering> rows_;
};

}  // namespace berth::base
