// SPDX-License-Identifier: Apache-2.0
#include "supervise/task_event.h"

#include <gtest/gtest.h>

namespace berth::supervise {
namespace {

namespace json = base::json;

constexpr char kNow[] = "2026-01-02T03:04:05.678Z";

std::string record(std::string_view line) {
  const auto event = parse_event(line, 1);
  if (!event) return "malformed: " + event.error().message;
  const auto made = to_record(*event, kNow);
  return made ? base::to_text(*made) : "none";
}

TEST(TaskEvent, ProgressIsReportedAndMakesNoRecord) {
  const auto event =
      parse_event(R"({"event":"progress","value":0.4,"current_epoch":2,"total_epochs":5})", 3);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, TaskEvent::Kind::kProgress);
  EXPECT_EQ(event->attempt, 3);
  EXPECT_DOUBLE_EQ(event->value, 0.4);
  EXPECT_EQ(event->current_epoch, 2);
  EXPECT_EQ(event->total_epochs, 5);
  EXPECT_FALSE(to_record(*event, kNow));
  EXPECT_DOUBLE_EQ(parse_event(R"({"event":"progress","value":7})", 1)->value, 1);
  EXPECT_DOUBLE_EQ(parse_event(R"({"event":"progress","value":-1})", 1)->value, 0);
}

TEST(TaskEvent, LogsMetricsAndCheckpointsMakeRecords) {
  EXPECT_EQ(
      record(
          R"({"event":"log","level":"warn","message":"slow","stage":"training","metrics":{"epoch":1}})"),
      R"({"timestamp":"2026-01-02T03:04:05.678Z","level":"WARNING","message":"slow","metrics":{"epoch":1},"stage":"training"})");
  EXPECT_EQ(
      record(R"({"event":"metrics","data":{"loss":0.25},"stage":"validation","step":7})"),
      R"({"timestamp":"2026-01-02T03:04:05.678Z","level":"INFO","message":"validation: loss=0.25","metrics":{"loss":0.25},"step":7,"stage":"validation"})");
  EXPECT_EQ(
      record(R"({"event":"checkpoint","path":"/a/b.pt"})"),
      R"({"timestamp":"2026-01-02T03:04:05.678Z","level":"INFO","message":"Checkpoint: /a/b.pt"})");
}

TEST(TaskEvent, ResultAndFailureAreReportedOnly) {
  const auto failure =
      parse_event(R"({"event":"failure","code":"oom","message":"out of memory","file":"x"})", 1);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, "oom");
  EXPECT_EQ(failure->message, "out of memory");
  EXPECT_EQ(failure->file, "x");
  EXPECT_EQ(record(R"({"event":"failure","code":"oom","message":"m"})"), "none");
  EXPECT_EQ(record(R"({"event":"result","data":{}})"), "none");
}

TEST(TaskEvent, TheTimeIsTheTasksOwnIfItMakesSense) {
  EXPECT_EQ(
      parse_event(R"({"event":"log","message":"","time":"2026-01-02T03:04:05+08:00"})", 1)->time,
      "2026-01-02T03:04:05+08:00");
  EXPECT_EQ(parse_event(R"({"event":"log","message":"","time":1.5})", 1)->time,
            "1970-01-01T00:00:01.500Z");
  EXPECT_EQ(
      parse_event(R"({"event":"log","message":"","time":"yesterday, <b>about</b> noon"})", 1)->time,
      "");
}

TEST(TaskEvent, PythonsNanAndInfinityAreNullButTextIsLeftAlone) {
  const auto event = parse_event(
      R"({"event":"metrics","data":{"a":NaN,"b":-Infinity,"c":[Infinity],"d":"NaN \" NaN"}})", 1);
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(json::serialize(event->data), R"({"a":null,"b":null,"c":[null],"d":"NaN \" NaN"})");
}

TEST(TaskEvent, InvalidUtf8IsRepaired) {
  const auto event = parse_event("{\"event\":\"log\",\"message\":\"a\xFF\"}", 1);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->message, "a\xEF\xBF\xBD");
}

TEST(TaskEvent, WhatIsNoEventSaysWhy) {
  for (const char* line :
       {"", "nonsense", "[1]", "{}", R"({"event":5})", R"({"event":"unheard of"})",
        R"({"event":"progress"})", R"({"event":"progress","value":"x"})",
        R"({"event":"metrics","data":3})", R"({"event":"checkpoint"})", R"({"event":"log")"}) {
    const auto event = parse_event(line, 1);
    ASSERT_FALSE(event) << line;
    EXPECT_EQ(event.error().code, base::ErrorCode::kBadRequest);
    EXPECT_FALSE(event.error().message.empty());
  }
  EXPECT_FALSE(parse_event(R"({"event":"log","message":)" + std::string(100'000, '['), 1));
}

}  // namespace
}  // namespace berth::supervise
