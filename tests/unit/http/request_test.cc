// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include <gtest/gtest.h>

namespace berth::http {
namespace {

TEST(Headers, LookUpIgnoresCaseAndKeepsOrder) {
  Headers headers;
  headers.add("Content-Type", "a");
  headers.add("X-One", "1");
  headers.add("x-one", "2");
  EXPECT_EQ(headers.get("content-type"), "a");
  EXPECT_EQ(headers.get("X-ONE"), "1");
  EXPECT_EQ(headers.count("x-one"), 2U);
  EXPECT_FALSE(headers.find("X-Two"));
  const Headers copy = headers;
  headers.clear();
  EXPECT_EQ(copy.get("X-One"), "1");
  EXPECT_EQ(headers.size(), 0U);
}

TEST(Decode, PercentAndPlus) {
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%E4%BB%BB"), "任");
  EXPECT_EQ(percent_decode("%FF"), "\xEF\xBF\xBD");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("%4"));
  EXPECT_FALSE(percent_decode("%zz"));
  EXPECT_FALSE(percent_decode("a%00b"));
  EXPECT_EQ(percent_decode(percent_encode("任务 a/b?c&d")), "任务 a/b?c&d");
}

TEST(Decode, QueryKeepsOrderRepeatsAndBrokenEscapes) {
  Parameters query;
  parse_query("a=1&b=x+y&a=2&flag&c=%zz&&=e", query);
  EXPECT_EQ(query.get("a"), "1");
  EXPECT_EQ(query.all("a"), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_EQ(query.get("b"), "x y");
  EXPECT_EQ(query.find("flag"), "");
  EXPECT_EQ(query.get("c"), "%zz");
  EXPECT_FALSE(query.find("d"));
}

TEST(Language, FollowsWeights) {
  EXPECT_EQ(preferred_language(""), "");
  EXPECT_EQ(preferred_language("en-US,en;q=0.9"), "en");
  EXPECT_EQ(preferred_language("zh-CN,zh;q=0.9,en;q=0.8"), "zh");
  EXPECT_EQ(preferred_language("zh;q=0.2, en;q=0.7"), "en");
  EXPECT_EQ(preferred_language("fr, de;q=0.5"), "");
  EXPECT_EQ(preferred_language("fr, zh-TW;q=0.001"), "zh");
  EXPECT_EQ(preferred_language("en;q=0, zh;q=0.1"), "zh");
  EXPECT_EQ(preferred_language("*"), "");
  EXPECT_EQ(preferred_language("english"), "");
}

TEST(Encoding, Gzip) {
  EXPECT_TRUE(accepts_gzip("gzip, deflate, br"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("gzip;q=0, *"));
  EXPECT_FALSE(accepts_gzip("identity"));
}

TEST(ErrorBody, IsValidJsonInUtf8) {
  EXPECT_EQ(error_response(404, "任务 \"x\"\n\x01").body,
            "{\"detail\":\"任务 \\\"x\\\"\\n\\u0001\"}");
  EXPECT_EQ(error_response(400, "\xFF").body, "{\"detail\":\"\xEF\xBF\xBD\"}");
  const auto response = error_response(base::Error{base::ErrorCode::kUnauthorized, "no", {}});
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.headers.front().first, "WWW-Authenticate");
}

}  // namespace
}  // namespace berth::http
