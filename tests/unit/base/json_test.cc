// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace berth::base {
namespace {

json::object parse(const char* text) { return parse_json(text)->as_object(); }

TEST(ParseJson, TakesOneText) {
  const auto value = parse_json(R"({"a": [1, 2.5, "x", null, true]})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("a").as_array().size(), 5U);
  EXPECT_TRUE(parse_json(" {} \r\n"));
}

TEST(ParseJson, SaysWhereItWentWrong) {
  const auto value = parse_json(R"({"a": 1, ?})");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::kBadRequest);
  EXPECT_NE(value.error().message.find("offset 9"), std::string::npos) << value.error().message;
}

TEST(ParseJson, RefusesWhatIsNoneOrTooMuch) {
  for (const char* text : {"", " ", "{", "[1,]", "{} x", "nul", "\"a", "{\"a\" 1}"})
    EXPECT_FALSE(parse_json(text)) << text;
}

TEST(ParseJson, DepthIsLimited) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(60)));
  EXPECT_FALSE(parse_json(nested(70)));
  EXPECT_FALSE(parse_json(nested(100'000)));
}

TEST(JsonText, WritesNumbersAsPeopleDo) {
  EXPECT_EQ(to_text(json::value(10.36)), "10.36");
  EXPECT_EQ(to_text(json::value(24.0)), "24.0");
  EXPECT_EQ(to_text(json::value(0.1 + 0.2)), "0.30000000000000004");
  EXPECT_EQ(to_text(json::value(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(to_text(json::value(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(to_text(json::value(std::nan(""))), "null");
}

TEST(JsonText, ComesBackAsItWas) {
  const char* text =
      R"({"a":[1,-2.5,true,null,{}],"s":"q\"b\\n\u0001\t\u4e2d","e":[],"big":18446744073709551615,"x":1e300})";
  const auto value = *parse_json(text);
  const std::string written = to_text(value);
  EXPECT_EQ(*parse_json(written), value);
  EXPECT_EQ(written.find('\n'), std::string::npos);
}

TEST(JsonText, EscapesControlCharacters) {
  EXPECT_EQ(to_text(json::value("a\"\\\n\r\t\x01z")), R"("a\"\\\n\r\t\u0001z")");
}

TEST(JsonGetters, AbsentAndOtherTypesGiveTheDefault) {
  const auto object = parse(R"({"s": "x", "n": 3, "b": true, "z": null})");
  EXPECT_EQ(string_or(object, "s"), "x");
  EXPECT_EQ(string_or(object, "n", "d"), "d");
  EXPECT_EQ(string_or(object, "none", "d"), "d");
  EXPECT_EQ(int_or(object, "n"), 3);
  EXPECT_EQ(int_or(object, "s", 7), 7);
  EXPECT_TRUE(bool_or(object, "b"));
  EXPECT_TRUE(bool_or(object, "n", true));
  EXPECT_EQ(maybe_string(object, "z"), std::nullopt);
  EXPECT_EQ(maybe_int(object, "z"), std::nullopt);
  EXPECT_EQ(double_or(object, "none", 1.5), 1.5);
}

TEST(JsonGetters, WholeNumbersInAnyForm) {
  const auto object =
      parse(R"({"i": -4, "d": 4.0, "e": 1e3, "f": 4.5, "u": 18446744073709551615, "huge": 1e300})");
  EXPECT_EQ(maybe_int(object, "i"), -4);
  EXPECT_EQ(maybe_int(object, "d"), 4);
  EXPECT_EQ(maybe_int(object, "e"), 1000);
  EXPECT_EQ(maybe_int(object, "f"), std::nullopt);
  EXPECT_EQ(maybe_int(object, "u"), std::nullopt);  // no negative number out of a large one
  EXPECT_EQ(maybe_int(object, "huge"), std::nullopt);
  EXPECT_EQ(maybe_double(object, "i"), -4.0);
  EXPECT_EQ(maybe_double(object, "u"), 18446744073709551615.0);
}

TEST(JsonGetters, AbsentReadingsAreNull) {
  EXPECT_TRUE(or_null(std::optional<Bytes>{}).is_null());
  EXPECT_EQ(or_null(std::optional<Bytes>(Bytes{5})), 5);
  EXPECT_TRUE(or_null(std::optional<int>{}).is_null());
  EXPECT_EQ(maybe_bytes(parse(R"({"m": 12})"), "m"), Bytes{12});
  EXPECT_EQ(maybe_bytes(parse(R"({"m": null})"), "m"), std::nullopt);
}

}  // namespace
}  // namespace berth::base
