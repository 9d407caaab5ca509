// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <gtest/gtest.h>

#include "http/recorder.h"

namespace berth::http {
namespace {

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (const char* pattern :
         {"/", "/tasks", "/tasks/{task_id}", "/tasks/{task_id}/logs", "/tasks/statistics",
          "/tasks/special/other", "/files/{path...}", "/a/{x}/b/{y}"}) {
      router.add("GET", pattern, [](const Request&, Exchange) {});
    }
    router.add("POST", "/tasks/{id}", [](const Request&, Exchange) {});
  }
  std::string find(std::string_view method, std::string_view path) {
    parameters.clear();
    match = router.match(method, path, parameters);
    return match.route ? match.route->pattern : "";
  }
  Router router;
  Parameters parameters;
  Router::Match match;
};

TEST_F(RouterTest, LiteralsBeatParameters) {
  EXPECT_EQ(find("GET", "/"), "/");
  EXPECT_EQ(find("GET", "/tasks"), "/tasks");
  EXPECT_EQ(find("GET", "/tasks/statistics"), "/tasks/statistics");
  EXPECT_EQ(find("GET", "/tasks/7"), "/tasks/{task_id}");
  EXPECT_EQ(parameters.get("task_id"), "7");
}

TEST_F(RouterTest, GoesBackToAParameterWhenTheLiteralLeadsNowhere) {
  EXPECT_EQ(find("GET", "/tasks/special/logs"), "/tasks/{task_id}/logs");
  EXPECT_EQ(parameters.get("task_id"), "special");
  EXPECT_EQ(find("GET", "/tasks/special"), "/tasks/{task_id}");
}

TEST_F(RouterTest, ParametersAreWholeDecodedSegments) {
  EXPECT_EQ(find("GET", "/a/1%2F2/b/%E4%BB%BB"), "/a/{x}/b/{y}");
  EXPECT_EQ(parameters.get("x"), "1/2");
  EXPECT_EQ(parameters.get("y"), "任");
  EXPECT_EQ(find("GET", "/a//b/1"), "");
  EXPECT_EQ(find("GET", "/tasks/"), "");
  EXPECT_EQ(find("GET", "/tasks/%zz"), "");
  EXPECT_EQ(find("GET", "tasks"), "");
  EXPECT_EQ(find("GET", "*"), "");
}

TEST_F(RouterTest, RestTakesSeveralSegmentsButNotNone) {
  EXPECT_EQ(find("GET", "/files/a/b.js"), "/files/{path...}");
  EXPECT_EQ(parameters.get("path"), "a/b.js");
  EXPECT_EQ(find("GET", "/files/"), "");
}

TEST_F(RouterTest, NamesBelongToTheRouteNotToTheShape) {
  find("POST", "/tasks/7");
  EXPECT_EQ(parameters.get("id"), "7");
}

TEST_F(RouterTest, AnotherMethodIsKnownAndListed) {
  find("DELETE", "/tasks/7");
  EXPECT_TRUE(match.path_known);
  EXPECT_EQ(match.allow, "GET, HEAD, POST");
  find("DELETE", "/nothing");
  EXPECT_FALSE(match.path_known);
  EXPECT_EQ(find("HEAD", "/tasks"), "/tasks");
}

TEST_F(RouterTest, DispatchAnswersLikeTheServer) {
  const auto recorder = std::make_shared<Recorder>();
  Request request;
  request.method = "PUT";
  request.target = "/tasks?x=1";
  router.dispatch(request, recorder->exchange());
  EXPECT_EQ(recorder->response->status, 405);
  EXPECT_EQ(recorder->response->body, R"({"detail":"Method Not Allowed"})");
  EXPECT_EQ(request.query.get("x"), "1");
}

TEST_F(RouterTest, TwiceTheSameIsADefect) {
  EXPECT_DEATH(router.add("GET", "/tasks/{other}", {}), "CHECK");
}

TEST(Exchange, DroppedIsAbandoned) {
  const auto recorder = std::make_shared<Recorder>();
  {
    const Exchange exchange = recorder->exchange();
  }
  EXPECT_TRUE(recorder->abandoned);
}

TEST(EventStreamHandle, LastCopyCloses) {
  const auto recorder = std::make_shared<Recorder>();
  {
    const EventStream first = recorder->exchange().start_events();
    {
      const EventStream second = first;
    }
    EXPECT_TRUE(recorder->stream->is_open);
  }
  EXPECT_FALSE(recorder->stream->is_open);
}

}  // namespace
}  // namespace berth::http
