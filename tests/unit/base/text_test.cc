// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include <set>

#include "base/id.h"

namespace berth::base {
namespace {

using Parts = std::vector<std::string>;

TEST(Text, LowerLeavesOtherBytesAlone) {
  EXPECT_EQ(lower("CUDA:0 x"), "cuda:0 x");
  EXPECT_EQ(lower("\xC3\x84"), "\xC3\x84");
}

TEST(Text, TrimTakesBlanksFromBothEnds) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,,b,", ','), (Parts{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), (Parts{""}));
}

TEST(Text, JoinIsTheInverseOfSplit) {
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({"a", "b", "a"}, ", "), "a, b, a");
}

TEST(ParseNumber, TakesWholeNonNegativeNumbersOnly) {
  EXPECT_EQ(parse_number("0"), 0);
  EXPECT_EQ(parse_number("007"), 7);
  EXPECT_EQ(parse_number("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text :
       {"", "-1", "-0", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "a"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

TEST(ToUtf8, KeepsValidText) {
  for (const char* text :
       {"", "abc", "\xC3\xA4", "\xE4\xB8\xAD\xE6\x96\x87", "\xF0\x9F\x9A\x80", "\xEF\xBF\xBD"}) {
    EXPECT_EQ(to_utf8(text), text);
  }
}

TEST(ToUtf8, ReplacesWhatIsNone) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(to_utf8("a\xFFz"), "a" + bad + "z");
  EXPECT_EQ(to_utf8("\xC3"), bad);                                // cut off
  EXPECT_EQ(to_utf8("\xC0\xAF"), bad + bad);                      // longer than needed
  EXPECT_EQ(to_utf8("\xED\xA0\x80"), bad + bad + bad);            // half of a surrogate pair
  EXPECT_EQ(to_utf8("\xF4\x90\x80\x80"), bad + bad + bad + bad);  // beyond U+10FFFF
  EXPECT_EQ(to_utf8("\xE4\xB8"
                    "x"),
            bad + bad + "x");
}

TEST(RandomUuid, IsVersion4AndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id = random_uuid();
    ASSERT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '4');
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) EXPECT_EQ(id[dash], '-');
    EXPECT_TRUE(seen.insert(id).second);
  }
}

}  // namespace
}  // namespace berth::base
