// SPDX-License-Identifier: Apache-2.0
// Bodies as pydantic 2 reads them: the expectations are what pydantic 2.9.2 answers.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "api/schema.h"

namespace berth::api {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

// The first violation of the refusal, or null.
value violation(const Fields& fields) {
  if (fields.valid()) return nullptr;
  auto body = base::parse_json(fields.refusal().body);
  return body ? body->at("detail").at(0) : value(nullptr);
}

std::string type_of(const Fields& fields) {
  const auto first = violation(fields);
  return first.is_null() ? "" : std::string(first.at("type").as_string());
}

struct Integer {
  std::string input;
  std::optional<std::int64_t> number;
  std::string type;
};

void expect_integer(const Integer& expected) {
  SCOPED_TRACE(expected.input);
  Fields fields("{\"n\":" + expected.input + "}");
  const auto number = fields.integer("n", 1, 10);
  EXPECT_EQ(type_of(fields), expected.type);
  if (expected.number) {
    EXPECT_EQ(number, *expected.number);
  }
}

TEST(FieldsTest, IntegersAreReadLeniently) {
  for (const Integer& each : {Integer{"8", 8, ""},
                              {"\"8\"", 8, ""},
                              {"\" 8 \"", 8, ""},
                              {"8.0", 8, ""},
                              {"true", 1, ""},
                              {"8.5", {}, "int_from_float"},
                              {"\"8.5\"", {}, "int_parsing"},
                              {"\"x\"", {}, "int_parsing"},
                              {"\"\"", {}, "int_parsing"},
                              {"null", {}, "int_type"},
                              {"[]", {}, "int_type"},
                              {"{}", {}, "int_type"},
                              {"0", {}, "greater_than_equal"},
                              {"11", {}, "less_than_equal"},
                              {"\"99\"", {}, "less_than_equal"}}) {
    expect_integer(each);
  }
}

TEST(FieldsTest, IntegersAreReadAsLenientlyAsByPydantic) {
  for (const Integer& each : {Integer{"\"8.0\"", 8, ""},
                              {"\"+8\"", 8, ""},
                              {"9223372036854775808", {}, "less_than_equal"},
                              {"1e300", {}, "int_parsing_size"}}) {
    expect_integer(each);
  }
}

TEST(FieldsTest, ABoundIsNamedInTheContext) {
  Fields fields(R"({"n": "0"})");
  (void)fields.integer("n", 1);
  EXPECT_EQ(violation(fields), value(object{{"type", "greater_than_equal"},
                                            {"loc", array{"body", "n"}},
                                            {"msg", "Input should be greater than or equal to 1"},
                                            {"input", "0"},
                                            {"ctx", object{{"ge", 1}}}}));
}

TEST(FieldsTest, AMissingFieldShowsTheWholeBody) {
  Fields fields(R"({"other": 1})");
  (void)fields.string("model");
  EXPECT_EQ(violation(fields), value(object{{"type", "missing"},
                                            {"loc", array{"body", "model"}},
                                            {"msg", "Field required"},
                                            {"input", object{{"other", 1}}}}));
  EXPECT_EQ(fields.refusal().status, 422);
}

TEST(FieldsTest, EveryViolationIsListedInOrder) {
  Fields fields(R"({"a": 1, "b": "x"})");
  (void)fields.string("a");
  (void)fields.integer("b");
  (void)fields.string("c");
  const auto body = base::parse_json(fields.refusal().body);
  ASSERT_EQ(body->at("detail").as_array().size(), 3U);
  EXPECT_EQ(body->at("detail").at(0).at("type"), value("string_type"));
  EXPECT_EQ(body->at("detail").at(1).at("type"), value("int_parsing"));
  EXPECT_EQ(body->at("detail").at(2).at("type"), value("missing"));
}

TEST(FieldsTest, StringsAreStrings) {
  for (const char* input : {"null", "0", "1.5", "true", "[]"}) {
    Fields fields(std::string("{\"s\":") + input + "}");
    (void)fields.string_or("s", "x");
    EXPECT_EQ(type_of(fields), "string_type") << input;
  }
  Fields fields(R"({"s": null})");
  EXPECT_EQ(fields.nullable_string("s"), "");
  EXPECT_EQ(fields.nullable_string("absent"), "");
  EXPECT_EQ(fields.string_or("absent", "x"), "x");
  EXPECT_TRUE(fields.valid());
}

struct Number {
  std::string input;
  std::optional<double> number;
  std::string type;
};

void expect_number(const Number& expected) {
  SCOPED_TRACE(expected.input);
  Fields fields("{\"f\":" + expected.input + "}");
  const double number = fields.number_or("f", 7, 0.0);
  EXPECT_EQ(type_of(fields), expected.type);
  if (expected.number) {
    EXPECT_DOUBLE_EQ(number, *expected.number);
  }
}

TEST(FieldsTest, NumbersAreReadLeniently) {
  for (const Number& each : {Number{"1.5", 1.5, ""},
                             {"\"1.5\"", 1.5, ""},
                             {"\" 2 \"", 2, ""},
                             {"3", 3, ""},
                             {"null", {}, "float_type"},
                             {"[]", {}, "float_type"},
                             {"\"x\"", {}, "float_parsing"},
                             {"0", {}, "greater_than"},
                             {"0.0", {}, "greater_than"},
                             {"-1", {}, "greater_than"}}) {
    expect_number(each);
  }
}

TEST(FieldsTest, TrueIsTheNumberOne) { expect_number({"true", 1, ""}); }

TEST(FieldsTest, AWholeBoundIsShownWhole) {
  Fields fields(R"({"f": 0})");
  (void)fields.number_or("f", 1, 0.0);
  EXPECT_EQ(violation(fields).at("msg"), value("Input should be greater than 0"));
}

// Berth's own rule: pydantic takes "inf", but no field has a meaning for it.
TEST(FieldsTest, InfinityIsNoNumber) {
  for (const char* input : {"\"nan\"", "\"inf\"", "\"Infinity\"", "1e400"}) {
    Fields fields(std::string("{\"f\":") + input + "}");
    (void)fields.number_or("f", 1, 0.0);
    EXPECT_FALSE(fields.valid()) << input;
  }
}

struct Boolean {
  std::string input;
  std::optional<bool> truth;
  std::string type;
};

void expect_boolean(const Boolean& expected) {
  SCOPED_TRACE(expected.input);
  Fields fields("{\"b\":" + expected.input + "}");
  const bool truth = fields.boolean_or("b", false);
  EXPECT_EQ(type_of(fields), expected.type);
  if (expected.truth) {
    EXPECT_EQ(truth, *expected.truth);
  }
}

TEST(FieldsTest, BooleansAreReadLeniently) {
  for (const Boolean& each : {Boolean{"true", true, ""},
                              {"false", false, ""},
                              {"1", true, ""},
                              {"0", false, ""},
                              {"\"yes\"", true, ""},
                              {"\"TRUE\"", true, ""},
                              {"\"y\"", true, ""},
                              {"\"off\"", false, ""},
                              {"\"maybe\"", {}, "bool_parsing"},
                              {"\" yes \"", {}, "bool_parsing"},
                              {"null", {}, "bool_type"},
                              {"[]", {}, "bool_type"}}) {
    expect_boolean(each);
  }
}

TEST(FieldsTest, BooleansAreReadAsLenientlyAsByPydantic) {
  expect_boolean({"1.0", true, ""});
  expect_boolean({"2", {}, "bool_parsing"});
}

TEST(FieldsTest, AFractionIsNoBoolean) { expect_boolean({"1.5", {}, "bool_type"}); }

TEST(FieldsTest, ANumberBeyond64BitsIsNotChangedSilently) {
  Fields fields(R"({"n": 9223372036854775808})");
  (void)fields.integer("n");
  EXPECT_FALSE(fields.valid());
}

TEST(FieldsTest, ListsAndMapsSayWhichElementIsWrong) {
  Fields list(R"({"l": ["a", 1]})");
  (void)list.strings("l");
  EXPECT_EQ(violation(list).at("loc"), value(array{"body", "l", 1}));
  Fields no_list(R"({"l": "a"})");
  (void)no_list.strings("l");
  EXPECT_EQ(type_of(no_list), "list_type");
  Fields map(R"({"m": {"A": "1", "B": 2}})");
  (void)map.string_map("m");
  EXPECT_EQ(violation(map).at("loc"), value(array{"body", "m", "B"}));
  Fields no_map(R"({"m": []})");
  (void)no_map.string_map("m");
  EXPECT_EQ(type_of(no_map), "dict_type");
}

TEST(FieldsTest, ABodyThatIsNoObjectIsRefused) {
  EXPECT_EQ(type_of(Fields("{")), "json_invalid");
  EXPECT_EQ(type_of(Fields("[]")), "model_attributes_type");
  EXPECT_EQ(type_of(Fields("null")), "model_attributes_type");
  EXPECT_EQ(type_of(Fields(std::string(100'000, '['))), "json_invalid");
  EXPECT_EQ(violation(Fields("[1]")).at("input"), value(array{1}));
}

TEST(FieldsTest, AnEmptyBodyIsMissing) {
  EXPECT_EQ(type_of(Fields("")), "missing");
  EXPECT_EQ(violation(Fields("")).at("loc"), value(array{"body"}));
}

std::string query_violation(std::string_view text) {
  http::Request request;
  request.query.add("limit", std::string(text));
  Query query(request);
  (void)query.integer("limit", 100, 0, 1000);
  if (query.valid()) return "";
  const auto body = base::parse_json(query.refusal().body);
  EXPECT_EQ(body->at("detail").at(0).at("loc"), value(array{"query", "limit"}));
  EXPECT_EQ(body->at("detail").at(0).at("input"), value(text));
  return std::string(body->at("detail").at(0).at("type").as_string());
}

TEST(QueryTest, RefusesAsPydanticDoes) {
  EXPECT_EQ(query_violation("5"), "");
  EXPECT_EQ(query_violation("0"), "");
  EXPECT_EQ(query_violation(""), "int_parsing");
  EXPECT_EQ(query_violation("x"), "int_parsing");
  EXPECT_EQ(query_violation("5.5"), "int_parsing");
  EXPECT_EQ(query_violation("-1"), "greater_than_equal");
  EXPECT_EQ(query_violation("1001"), "less_than_equal");
}

}  // namespace
}  // namespace berth::api
