// SPDX-License-Identifier: Apache-2.0
// Checks of tables of texts in two languages.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/phrase.h"
#include "base/rendering.h"
#include "base/text.h"

namespace berth::base {

/// "{}" stands for the next number: "{} of {}" has the holes 0 and 1.
inline std::multiset<std::string> holes(std::string_view text) {
  std::multiset<std::string> found;
  int next = 0;
  for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const auto name = text.substr(at + 1, text.find('}', at) - at - 1);
    found.insert(name.empty() ? std::to_string(next++) : std::string(name));
  }
  return found;
}

/// Each row is there once and has the same holes in both languages.
inline void check_rows(std::span<const Rendering> table) {
  std::set<std::string_view> seen;
  for (const auto& [english, chinese, values] : table) {
    EXPECT_TRUE(seen.insert(english).second) << "twice: " << english;
    EXPECT_FALSE(chinese.empty()) << english;
    EXPECT_EQ(holes(english), holes(chinese)) << english;
    EXPECT_FALSE(english.starts_with("{}{}") || english == "{}") << "fits anything";
    EXPECT_EQ(english.find("{0"), std::string_view::npos) << "holes are in order: " << english;
    EXPECT_TRUE(values == Values::kAsTheyStand || english.find('{') != std::string_view::npos)
        << "no hole: " << english;
  }
}

/// Each row, filled, is found as itself by `in_chinese`, and what fills it is kept; of a reason in
/// the last hole, `reason` and what it is in Chinese.
template <class Function>
void check_found(std::span<const Rendering> table, Function in_chinese, const std::string& reason,
                 const std::string& reason_in_chinese) {
  const std::vector<std::string> some{"0000:01:00.0", "7", "/data/a b", "0.5", "vx"};
  for (const auto& row : table) {
    std::vector<std::string> values(
        some.begin(), some.begin() + static_cast<std::ptrdiff_t>(holes(row.english).size()));
    auto expected = values;
    if (row.values == Values::kLastSaid) {
      values.back() = reason;
      expected.back() = reason_in_chinese;
    }
    if (row.values == Values::kFirstSaid) {
      values.front() = reason;
      expected.front() = reason_in_chinese;
    }
    EXPECT_EQ(in_chinese(fill(row.english, values)), fill(row.chinese, expected)) << row.english;
  }
}

/// Each text, between its holes, is in sources below `folders`.
inline void check_said(std::span<const Rendering> table, const std::vector<std::string>& folders) {
  std::string code;
  for (const auto& folder : folders) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
      const auto path = file.path();
      if ((path.extension() != ".cc" && path.extension() != ".h") ||
          path.filename().string().find("words") != std::string::npos)
        continue;
      std::stringstream whole;
      whole << std::ifstream(path).rdbuf();
      code += whole.str();
    }
  }
  ASSERT_GT(code.size(), 100'000U) << "the sources were found";
  code = std::regex_replace(code, std::regex("\"\\s*\n\\s*\""), "");  // neighbours
  for (const auto& row : table) {
    std::string text(row.english);
    for (auto at = text.find('"'); at != std::string::npos; at = text.find('"', at + 2))
      text.insert(at, "\\");
    for (auto at = text.find("{}"); at != std::string::npos; at = text.find("{}"))
      text.replace(at, 2, "\n");
    // Clauses may be of several literals, and so may what stands at the ends of one.
    for (const char* mark : {"; ", ": ", ", "}) {
      for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark))
        text.replace(at, 2, "\n");
    }
    constexpr const char* kMarks = " ;:,.()";
    for (const auto& piece : split(text, '\n')) {
      const auto begin = piece.find_first_not_of(kMarks);
      if (begin == std::string::npos) continue;
      const auto words = piece.substr(begin, piece.find_last_not_of(kMarks) + 1 - begin);
      EXPECT_NE(code.find(words), std::string::npos)
          << "nobody says \"" << words << "\" of: " << row.english;
    }
  }
}

}  // namespace berth::base
