// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/event_reader.h"
#include "http/harness.h"
#include "http/response_parser.h"

namespace berth::http::test {
namespace {

TEST(EndpointTest, Forms) {
  EXPECT_EQ(parse_endpoint("http://127.0.0.1:8000/")->port, "8000");
  EXPECT_EQ(parse_endpoint("localhost:8000")->url, "http://localhost:8000");
  EXPECT_EQ(parse_endpoint("http://[::1]:8000")->host, "::1");
  EXPECT_EQ(parse_endpoint("http://gpu1")->port, "80");
  EXPECT_EQ(parse_endpoint("unix:/run/b.sock")->path, "/run/b.sock");
  EXPECT_EQ(parse_endpoint("unix:///run/b.sock")->path, "/run/b.sock");
  for (const char* bad : {"", "https://x", "http://", "http://x:0", "http://x:99999", "http://x:y",
                          "http://x/path", "unix:relative", "http://[::1", "http://u@x:1"}) {
    EXPECT_EQ(parse_endpoint(bad).error().code, base::ErrorCode::kBadRequest) << bad;
  }
}

TEST(ClientTest, SaysWhichDaemonDoesNotAnswerAndHowToStartIt) {
  const auto refused = Client::connect("http://127.0.0.1:1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::kNotReachable);
  EXPECT_NE(refused.error().message.find("http://127.0.0.1:1"), std::string::npos);
  EXPECT_NE(refused.error().message.find("berthd"), std::string::npos);
  const auto missing = Client::connect("unix:/tmp/no-such-berth.sock");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::ErrorCode::kNotReachable);
}

TEST(ClientTest, ConnectsAnewWhenTheServerHungUpMeanwhile) {
  Router router;
  router.add("GET", "/one", text("1"));
  auto options = TestServer::quick();
  options.idle_timeout = milliseconds(40);
  TestServer server(std::move(router), options);
  auto client = Client::connect(server.address());
  EXPECT_EQ(client->get("/one")->body, "1");
  EXPECT_TRUE(server.until([&] { return server.server().counters().connections == 0; }));
  EXPECT_EQ(client->get("/one")->body, "1");
}

TEST(ClientTest, TimesOut) {
  std::vector<Exchange> waiting;
  Router router;
  router.add("GET", "/never",
             [&](const Request&, Exchange exchange) { waiting.push_back(std::move(exchange)); });
  router.add("GET", "/one", text("1"));
  TestServer server(std::move(router));
  auto client = Client::connect(server.address());
  const auto late = client->request("GET", "/never", {}, {}, milliseconds(30));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, base::ErrorCode::kNotReachable);
  EXPECT_EQ(client->get("/one")->body, "1");  // on a new connection, not with the old answer
  server.on_loop([&] { waiting.clear(); });
}

TEST(ClientTest, AStreamThatIsRefusedGivesTheBody) {
  Router router;
  router.add("GET", "/events", text("1"));
  TestServer server(std::move(router));
  auto client = Client::connect(server.address());
  const auto response = client->stream("GET", "/nothing", {}, [](std::string_view) {
    ADD_FAILURE();
    return true;
  });
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->detail(), "Not Found");
}

TEST(ClientTest, AStreamThatBreaksOffIsAnError) {
  std::vector<EventStream> streams;
  Router router;
  router.add("GET", "/events", [&](const Request&, Exchange exchange) {
    streams.push_back(exchange.start_events());
    streams.back().write(format_event("1"));
  });
  TestServer server(std::move(router));
  auto client = Client::connect(server.address());
  bool cut = false;
  const auto response = client->stream("GET", "/events", {}, [&](std::string_view) {
    if (!std::exchange(cut, true)) {
      server.on_loop([&] { server.server().stop(milliseconds(0), {}); });
    }
    return true;
  });
  EXPECT_TRUE(cut);
  server.on_loop([&] { streams.clear(); });
}

TEST(ClientTest, IdleStreamsTimeOutWhenAsked) {
  std::vector<EventStream> streams;
  Router router;
  router.add("GET", "/events", [&](const Request&, Exchange exchange) {
    streams.push_back(exchange.start_events());
  });
  TestServer server(std::move(router));
  auto client = Client::connect(server.address());
  const auto response = client->stream(
      "GET", "/events", {}, [](std::string_view) { return true; }, {}, milliseconds(30));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, base::ErrorCode::kNotReachable);
  server.on_loop([&] { streams.clear(); });
}

TEST(ResponseParserTest, ReadsTheSameHoweverTheBytesAreCut) {
  const std::string answer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
      "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: one\r\n2\r\n\n\n\r\nB\r\ndata: "
      "two\n\n\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= answer.size(); ++piece) {
    std::string body;
    ResponseParser parser(false, [&](std::string_view bytes) {
      body += bytes;
      return true;
    });
    std::string waiting;
    auto outcome = ResponseParser::Outcome::kNeedMore;
    for (std::size_t at = 0; at < answer.size(); at += piece) {
      waiting += answer.substr(at, piece);
      do {
        std::size_t used = 0;
        outcome = parser.feed(waiting, used);
        waiting.erase(0, used);
      } while (outcome == ResponseParser::Outcome::kHeader);
    }
    EXPECT_EQ(outcome, ResponseParser::Outcome::kComplete) << piece;
    EXPECT_EQ(parser.status(), 200);
    EXPECT_EQ(body, "data: one\n\ndata: two\n\n");
    EXPECT_TRUE(parser.keep_alive());
  }
}

TEST(ResponseParserTest, EndOfInput) {
  ResponseParser to_the_end(false, [](std::string_view) { return true; });
  std::size_t used = 0;
  std::string text = "HTTP/1.0 200 OK\r\n\r\nabc";
  EXPECT_EQ(to_the_end.feed(text, used), ResponseParser::Outcome::kHeader);
  EXPECT_EQ(to_the_end.feed(text.substr(used), used), ResponseParser::Outcome::kNeedMore);
  EXPECT_EQ(to_the_end.finish(), ResponseParser::Outcome::kComplete);
  EXPECT_FALSE(to_the_end.keep_alive());

  ResponseParser cut(false, [](std::string_view) { return true; });
  text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  EXPECT_EQ(cut.feed(text, used), ResponseParser::Outcome::kHeader);
  EXPECT_EQ(cut.finish(), ResponseParser::Outcome::kBad);

  ResponseParser nothing(false, [](std::string_view) { return true; });
  EXPECT_EQ(nothing.finish(), ResponseParser::Outcome::kBad);
  ResponseParser other(false, [](std::string_view) { return true; });
  EXPECT_EQ(other.feed("SSH-2.0-OpenSSH\r\n\r\n", used), ResponseParser::Outcome::kBad);
}

}  // namespace
}  // namespace berth::http::test
