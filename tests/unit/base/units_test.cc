// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <gtest/gtest.h>

namespace berth::base {
namespace {

constexpr std::int64_t kMib = 1024 * 1024;
constexpr std::int64_t kGib = 1024 * kMib;

TEST(Bytes, AreShownInGibWithTwoDecimals) {
  EXPECT_EQ(to_text(Bytes::from_gib(23.69)), "23.69 GB");
  EXPECT_EQ(to_text(Bytes{kGib}), "1.00 GB");
  EXPECT_EQ(to_text(Bytes{}), "0.00 GB");
}

TEST(Bytes, AreShownInMibBelowOneGib) {
  EXPECT_EQ(to_text(Bytes{828 * kMib}), "828.00 MB");
  EXPECT_EQ(to_text(Bytes{kGib - 1}), "1024.00 MB");
}

TEST(Bytes, GibAndBack) {
  EXPECT_EQ(Bytes::from_gib(1.5).value, kGib + kGib / 2);
  EXPECT_DOUBLE_EQ(Bytes{3 * kGib / 2}.gib(), 1.5);
  EXPECT_EQ(Bytes{3} + Bytes{4} - Bytes{2}, Bytes{5});
}

TEST(ParseBytes, UnderstandsUnitsInAnyCase) {
  struct Row {
    const char* text;
    std::int64_t bytes;
  };
  for (const Row& row : {Row{"8", 8 * kGib},
                         {"8G", 8 * kGib},
                         {"8g", 8 * kGib},
                         {"8GB", 8 * kGib},
                         {"8GiB", 8 * kGib},
                         {"8 GiB", 8 * kGib},
                         {"512M", 512 * kMib},
                         {"512MiB", 512 * kMib},
                         {"0.5g", kGib / 2},
                         {"1T", 1024 * kGib},
                         {"4k", 4096},
                         {"100b", 100},
                         {"0", 0},
                         {"1.5GiB", kGib + kGib / 2}}) {
    const auto parsed = parse_bytes(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(parsed->value, row.bytes) << row.text;
  }
}

TEST(ParseBytes, RefusesTheRestWithTheValue) {
  for (const char* text : {"", " ", "-1", "-8G", "G", "8X", "8GiBs", "eight", "nan", "inf", "1e400",
                           "99999999999T", "8,5"}) {
    const auto parsed = parse_bytes(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kBadRequest);
    EXPECT_NE(parsed.error().message.find(std::string("\"") + text + "\""), std::string::npos);
  }
}

}  // namespace
}  // namespace berth::base
