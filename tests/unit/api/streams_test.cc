// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/fake_service.h"
#include "base/text.h"

namespace berth::api::test {
namespace {

using base::json::value;
using model::TaskState;
using Strings = std::vector<std::string>;

constexpr std::string_view kPath = "/api/v2/tasks/t/logs";

struct Event {
  std::string id;
  value data;
};

// Events as a client reads them; comments and other lines are failures here.
std::vector<Event> events(const std::string& bytes) {
  std::vector<Event> result;
  Event event;
  std::string data;
  for (const auto& line : base::split(bytes, '\n')) {
    if (line.starts_with("id: ")) {
      event.id = line.substr(4);
    } else if (line.starts_with("data: ")) {
      data += line.substr(6);
    } else if (line.empty() && !data.empty()) {
      auto parsed = base::parse_json(data);
      EXPECT_TRUE(parsed) << data;
      event.data = parsed ? *parsed : value(nullptr);
      result.push_back(std::exchange(event, {}));
      data.clear();
    } else {
      EXPECT_TRUE(line.empty()) << line;
    }
  }
  return result;
}

Strings ids(const std::vector<Event>& all) {
  Strings result;
  for (const auto& event : all) result.push_back(event.id);
  return result;
}

std::string record(const std::string& message) {
  return R"({"timestamp":"T","level":"INFO","message":")" + message + "\"}";
}

class StreamsTest : public testing::Test {
 protected:
  StreamsTest() { api.service.add("t", "training", TaskState::kRunning); }
  ~StreamsTest() override { EXPECT_EQ(api.service.watchers(), 0U) << "a session is left over"; }

  std::shared_ptr<Answer::Stream> open(std::string_view path, const Strings& headers = {}) {
    const auto answer = api.get(path, headers);
    EXPECT_NE(answer->stream, nullptr);
    return answer->stream;
  }
  void end(TaskState state) {
    api.service.finish("t", state);
    api.service.close_log("t");
    api.service.changed("t");
  }
  Api api;
};

TEST_F(StreamsTest, ARecordIsOneEventWithItsPlaceAsId) {
  api.service.log("t", record("hello"));
  const auto stream = open(kPath);
  EXPECT_EQ(stream->take(), "id: 100\ndata: " + record("hello") + "\n\n");
  stream->drop();
}

TEST_F(StreamsTest, ALateReaderGetsEverythingAndTheEnd) {
  for (const char* text : {"one", "two", "three"}) api.service.log("t", record(text));
  end(TaskState::kCompleted);
  const auto stream = open(kPath);
  const auto all = events(stream->take());
  EXPECT_EQ(ids(all), (Strings{"100", "200", "300", "300"}));
  EXPECT_EQ(all.back().data, (value{{"status", "completed"}, {"message", "任务结束"}}));
  EXPECT_FALSE(stream->is_open);
}

TEST_F(StreamsTest, AReaderGoesOnBehindTheLastIdItHas) {
  for (const char* text : {"one", "two", "three"}) api.service.log("t", record(text));
  const auto stream = open(kPath, {"Last-Event-ID", "200"});
  EXPECT_EQ(ids(events(stream->take())), Strings{"300"});
  end(TaskState::kFailed);
  EXPECT_EQ(events(stream->take()).at(0).data.at("status"), value("failed"));
}

TEST_F(StreamsTest, AnIdThatIsNoneMeansTheStart) {
  api.service.log("t", record("one"));
  for (const char* id : {"", "x", "-1", "99999999999999999999", "1 "}) {
    const auto stream = open(kPath, {"Last-Event-ID", id});
    EXPECT_EQ(ids(events(stream->take())), Strings{"100"}) << id;
    stream->drop();
  }
}

TEST_F(StreamsTest, BehindTheEndThereIsOnlyTheEnd) {
  api.service.log("t", record("one"));
  end(TaskState::kCancelled);
  const auto stream = open(kPath, {"Last-Event-ID", "100"});
  const auto all = events(stream->take());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].data.at("status"), value("cancelled"));
}

TEST_F(StreamsTest, EveryReaderGetsEveryRecord) {
  const auto first = open(kPath);
  api.service.log("t", record("one"));
  api.service.changed("t");
  const auto second = open(kPath);
  api.service.log("t", record("two"));
  api.service.changed("t");
  for (const auto& stream : {first, second}) {
    EXPECT_EQ(ids(events(stream->take())), (Strings{"100", "200"}));
  }
  end(TaskState::kCompleted);
  for (const auto& stream : {first, second}) {
    EXPECT_EQ(events(stream->take()).size(), 1U);
    EXPECT_FALSE(stream->is_open);
  }
}

TEST_F(StreamsTest, ALongLogComesPieceByPieceAsTheClientTakesIt) {
  api.service.records_per_page = 2;
  for (int i = 0; i < 5; ++i) api.service.log("t", record(std::to_string(i)));
  end(TaskState::kCompleted);
  const auto stream = open(kPath);
  EXPECT_EQ(events(stream->bytes).size(), 2U) << "only one piece waits for the client";
  api.service.changed("t");
  EXPECT_EQ(events(stream->bytes).size(), 2U) << "a change does not push a second one";
  EXPECT_EQ(events(stream->take()).size(), 6U);
}

TEST_F(StreamsTest, TheEndWaitsForTheLastRecord) {
  const auto stream = open(kPath);
  api.service.finish("t", TaskState::kCompleted);
  api.service.changed("t");
  EXPECT_TRUE(stream->is_open);
  EXPECT_EQ(stream->take(), "");
  api.service.log("t", record("last"));
  end(TaskState::kCompleted);
  const auto all = events(stream->take());
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].data.at("message"), value("last"));
  EXPECT_FALSE(stream->is_open);
}

TEST_F(StreamsTest, DaemonRecordsAreInTheReadersLanguage) {
  api.service.log("t", R"({"timestamp":"T","level":"INFO","code":"waiting","args":["CUDA"]})",
                  true);
  const auto chinese = open(kPath);
  const auto english = open(kPath, {"Accept-Language", "en"});
  EXPECT_EQ(events(chinese->take()).at(0).data.at("message"), value("等待CUDA资源..."));
  EXPECT_EQ(events(english->take()).at(0).data.at("message"), value("Waiting for CUDA..."));
  chinese->drop();
  english->drop();
}

TEST_F(StreamsTest, ARemovedTaskEndsTheStream) {
  api.service.log("t", record("one"));
  const auto stream = open(kPath);
  stream->take();
  api.service.forget("t");
  api.service.changed("t");
  EXPECT_EQ(stream->take(), "");
  EXPECT_FALSE(stream->is_open);
}

TEST_F(StreamsTest, AClientThatGoesEndsItsSession) {
  const auto stream = open(kPath);
  EXPECT_EQ(api.service.watchers(), 1U);
  stream->drop();
  EXPECT_EQ(api.service.watchers(), 0U);
  api.service.log("t", record("one"));
  api.service.changed("t");
}

TEST_F(StreamsTest, TrainingsLogsStandUnderTheOriginalsPaths) {
  api.service.add("i", "inference", TaskState::kRunning);
  api.service.log("t", record("one"));
  for (const char* path : {"/api/v2/training/t/logs", "/api/v2/train/t/logs"}) {
    const auto stream = open(path);
    EXPECT_EQ(events(stream->take()).size(), 1U) << path;
    stream->drop();
  }
  EXPECT_EQ(api.get("/api/v2/training/i/logs")->status(), 404);
}

TEST_F(StreamsTest, EventsAreTheTaskNowAndAfterEachChange) {
  const auto stream = open("/api/v2/tasks/t/events");
  auto all = events(stream->take());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, "1");
  EXPECT_EQ(all[0].data.at("status"), value("running"));
  api.service.changed("t");
  EXPECT_EQ(stream->take(), "") << "nothing new";
  end(TaskState::kCompleted);
  all = events(stream->take());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, "2");
  EXPECT_EQ(all[0].data.at("status"), value("completed"));
  EXPECT_FALSE(stream->is_open);
}

// The daemon sets the final state first and says that the log is closed later, without any other
// change of the record.
TEST_F(StreamsTest, EventsEndWhenTheLogClosesAfterTheEnd) {
  const auto stream = open("/api/v2/tasks/t/events");
  stream->take();
  api.service.finish("t", TaskState::kCompleted);
  api.service.changed("t");
  EXPECT_EQ(events(stream->take()).size(), 1U);
  api.service.close_log("t");
  api.service.changed("t");
  stream->take();
  EXPECT_FALSE(stream->is_open);
}

TEST_F(StreamsTest, OutputIsBytesFromAnOffset) {
  api.service.print("t", "hello\n\xff");
  const auto answer = api.get("/api/v2/tasks/t/output/stdout?offset=1");
  EXPECT_EQ(answer->stream_type, "application/octet-stream");
  EXPECT_EQ(answer->stream->take(), "ello\n\xff");
  EXPECT_FALSE(answer->stream->is_open) << "it ends where the output ends now";
  EXPECT_EQ(open("/api/v2/tasks/t/output/stderr")->take(), "");
  EXPECT_EQ(api.get("/api/v2/tasks/t/output/stdin")->status(), 404);
}

TEST_F(StreamsTest, ALogThatIsNotFollowedEndsWithWhatIsThere) {
  api.service.log("t", record("one"));
  const auto stream = open("/api/v2/tasks/t/logs?follow=false");
  EXPECT_EQ(ids(events(stream->take())), Strings{"100"});
  EXPECT_FALSE(stream->is_open);
  end(TaskState::kCompleted);
  EXPECT_EQ(events(open("/api/v2/tasks/t/logs?follow=false")->take()).size(), 2U);
}

TEST_F(StreamsTest, OutputIsLookedAtBetweenChangesToo) {
  const auto stream = open("/api/v2/tasks/t/output/stdout?follow=1");
  api.service.print("t", "one");
  api.service.tick();
  EXPECT_EQ(stream->take(), "one");
  stream->drop();
  api.service.tick();
}

TEST_F(StreamsTest, OutputIsFollowedToTheEndOfTheTask) {
  const auto stream = open("/api/v2/tasks/t/output/stdout?follow=true");
  EXPECT_EQ(stream->take(), "");
  api.service.print("t", "one");
  api.service.changed("t");
  EXPECT_EQ(stream->take(), "one");
  EXPECT_TRUE(stream->is_open);
  api.service.print("t", "two");
  end(TaskState::kCompleted);
  EXPECT_EQ(stream->take(), "two");
  EXPECT_FALSE(stream->is_open);
}

}  // namespace
}  // namespace berth::api::test
