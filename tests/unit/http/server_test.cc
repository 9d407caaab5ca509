// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <stdexcept>
#include <vector>

#include "http/client.h"
#include "http/harness.h"

namespace berth::http::test {
namespace {

Router routes() {
  Router router;
  router.add("GET", "/one", text("1"));
  router.add("GET", "/tasks/{id}", [](const Request& request, Exchange exchange) {
    exchange.respond(Response{200,
                              "text/plain",
                              request.path + "|" + std::string(request.parameter("id")) + "|" +
                                  std::string(request.query.get("q")) + "|" +
                                  std::string(request.language),
                              {{"X-Echo", "a\r\nX-Evil: 1"}}});
  });
  router.add("POST", "/echo", echo());
  router.add("GET", "/throws",
             [](const Request&, Exchange) { throw std::runtime_error("broken"); });
  router.add("GET", "/drops", [](const Request&, Exchange) {});
  router.add("GET", "/empty", [](const Request&, Exchange exchange) {
    exchange.respond(Response{204, "", "x", {}});
  });
  return router;
}

constexpr std::string_view kGet = "GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST(ServerTest, PassesPathQueryAndLanguage) {
  TestServer server(routes());
  auto client = Client::connect(server.address());
  auto response =
      client->request("GET", "/tasks/a%20%E4%BB%BB?q=x+y", {{"Accept-Language", "zh-CN"}});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "/tasks/a 任|a 任|x y|zh");
  EXPECT_FALSE(response->headers.find("X-Evil"));
  EXPECT_EQ(response->headers.get("Server"), "berth");
}

TEST(ServerTest, UnknownPathAndMethod) {
  TestServer server(routes());
  auto client = Client::connect(server.address());
  auto missing = client->get("/nothing");
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->body, R"({"detail":"Not Found"})");
  auto wrong = client->request("DELETE", "/one");
  EXPECT_EQ(wrong->status, 405);
  EXPECT_EQ(wrong->body, R"({"detail":"Method Not Allowed"})");
  EXPECT_EQ(wrong->headers.get("Allow"), "GET, HEAD");
  EXPECT_EQ(client->get("/%zz")->status, 400);
  EXPECT_EQ(server.counters().connections_accepted, 1U);  // one connection served all of them
}

TEST(ServerTest, HeadIsGetWithoutABody) {
  TestServer server(routes());
  Wire wire(server.address());
  wire.send("HEAD /one HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string head = wire.read_until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 1\r\n"), std::string::npos);
  wire.send(kGet);
  EXPECT_EQ(status_of(wire.read_answer()), 200);
}

TEST(ServerTest, NoContentHasNoLength) {
  TestServer server(routes());
  Wire wire(server.address());
  wire.send("GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string head = wire.read_until("\r\n\r\n");
  EXPECT_EQ(status_of(head), 204);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  wire.send(kGet);
  EXPECT_EQ(status_of(wire.read_answer()), 200);
}

TEST(ServerTest, HandlersThatFailAnswer500AndTheServerGoesOn) {
  TestServer server(routes());
  auto client = Client::connect(server.address());
  testing::internal::CaptureStderr();
  const auto threw = client->get("/throws");
  const auto dropped = client->get("/drops");
  const auto fine = client->get("/one");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(threw->status, 500);
  EXPECT_EQ(threw->detail().find("broken"), std::string::npos);  // the inside is for the log
  EXPECT_NE(log.find("broken"), std::string::npos);
  EXPECT_EQ(dropped->status, 500);
  EXPECT_EQ(fine->status, 200);
}

TEST(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server(routes());
  Wire wire(server.address());
  std::string many;
  for (int i = 0; i < 500; ++i) {
    const std::string body = std::to_string(i);
    many +=
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  ASSERT_TRUE(wire.send(many));
  for (int i = 0; i < 500; ++i) {
    const std::string answer = wire.read_answer();
    ASSERT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), std::to_string(i));
  }
}

TEST(ServerTest, PipelinedRequestsWaitForAnAnswerThatComesLater) {
  std::vector<Exchange> waiting;
  Router router;
  router.add("GET", "/one", text("1"));
  router.add("GET", "/later",
             [&](const Request&, Exchange exchange) { waiting.push_back(std::move(exchange)); });
  TestServer server(std::move(router));
  Wire wire(server.address());
  wire.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(server.until([&] { return waiting.size() == 1; }));
  // More than the buffer takes while the answer is due.
  std::string many;
  for (int i = 0; i < 400; ++i) many += kGet;
  wire.send(many);
  server.on_loop([&] {
    waiting.front().respond(Response{200, "text/plain", "later", {}});
    waiting.clear();
  });
  EXPECT_TRUE(wire.read_answer().ends_with("later"));
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(wire.read_answer().ends_with("\r\n\r\n1"));
}

TEST(ServerTest, RequestsMayComeByteByByte) {
  TestServer server(routes());
  Wire wire(server.address());
  for (const char c : std::string(
           "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
           "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2;ext=1\r\n2]\r\n0\r\nX-T: 1\r\n\r\n")) {
    ASSERT_TRUE(wire.send({&c, 1}));
  }
  EXPECT_TRUE(wire.read_answer().ends_with("\r\n\r\n[1,2]"));
  wire.send(kGet);
  EXPECT_EQ(status_of(wire.read_answer()), 200);
}

TEST(ServerTest, LargeBodiesGoBothWays) {
  TestServer server(routes());
  auto client = Client::connect(server.address());
  const std::string body(6U << 20, 'x');
  auto response = client->post("/echo", body);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, body);
}

TEST(ServerTest, Expect100Continue) {
  TestServer server(routes());
  Wire wire(server.address());
  wire.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(wire.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  wire.send("{}");
  EXPECT_TRUE(wire.read_answer().ends_with("\r\n\r\n{}"));
}

TEST(ServerTest, ConnectionCloseAndHttp10) {
  TestServer server(routes());
  Wire closing(server.address());
  closing.send("GET /one HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_NE(closing.read_answer().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(closing.at_end());
  Wire old(server.address());
  old.send("GET /one HTTP/1.0\r\n\r\n");
  EXPECT_EQ(status_of(old.read_answer()), 200);
  EXPECT_TRUE(old.at_end());
  Wire kept(server.address());
  kept.send("GET /one HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(kept.read_answer().find("Connection: keep-alive\r\n"), std::string::npos);
  kept.send("GET /one HTTP/1.0\r\n\r\n");
  EXPECT_EQ(status_of(kept.read_answer()), 200);
}

TEST(ServerTest, AnswersAClientThatHasShutDownItsSide) {
  std::vector<Exchange> waiting;
  Router router;
  router.add("GET", "/later",
             [&](const Request&, Exchange exchange) { waiting.push_back(std::move(exchange)); });
  TestServer server(std::move(router));
  Wire wire(server.address());
  wire.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ::shutdown(wire.fd(), SHUT_WR);
  ASSERT_TRUE(server.until([&] { return waiting.size() == 1; }));
  server.on_loop([&] {
    waiting.front().respond(Response{});
    waiting.clear();
  });
  EXPECT_EQ(status_of(wire.read_answer()), 200);
  EXPECT_TRUE(wire.at_end());
}

TEST(ServerTest, AnAnswerToAClientThatLeftIsHarmless) {
  std::vector<Exchange> waiting;
  Router router;
  router.add("GET", "/later",
             [&](const Request&, Exchange exchange) { waiting.push_back(std::move(exchange)); });
  TestServer server(std::move(router));
  for (int i = 0; i < 3; ++i) {
    Wire wire(server.address());
    wire.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(server.until([&] { return waiting.size() == static_cast<std::size_t>(i) + 1; }));
  }
  server.on_loop([&] {
    for (auto& exchange : waiting) exchange.respond(Response{});
  });
  EXPECT_TRUE(server.until([&] { return server.server().counters().connections == 0; }));
}

TEST(ServerTest, BadRequestsAreRefused) {
  TestServer server(routes());
  for (const std::string bad :
       {"nonsense\r\n\r\n", "GET /one HTTP/2.0\r\nHost: localhost\r\n\r\n",
        "GET /one HTTP/1.1\r\nHost localhost\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"}) {
    Wire wire(server.address());
    wire.send(bad);
    const std::string answer = wire.read_answer();
    EXPECT_EQ(status_of(answer), 400) << bad;
    EXPECT_NE(answer.find("{\"detail\":"), std::string::npos);
    EXPECT_TRUE(wire.at_end()) << bad;
  }
}

TEST(StopTest, IdleConnectionsEndAtOnceAndAnswersInProgressAreSent) {
  std::vector<Exchange> waiting;
  Router router = routes();
  router.add("GET", "/later",
             [&](const Request&, Exchange exchange) { waiting.push_back(std::move(exchange)); });
  TestServer server(std::move(router));
  Wire idle(server.address());
  idle.send(kGet);
  idle.read_answer();
  Wire busy(server.address());
  busy.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(server.until([&] { return waiting.size() == 1; }));
  bool stopped = false;
  server.on_loop([&] { server.server().stop(seconds(60), [&] { stopped = true; }); });
  EXPECT_TRUE(idle.at_end());
  EXPECT_EQ(Client::connect(server.address()).error().code, base::ErrorCode::kNotReachable);
  server.on_loop([&] {
    EXPECT_FALSE(stopped);
    waiting.front().respond(Response{200, "text/plain", "done", {}});
    waiting.clear();
  });
  const std::string answer = busy.read_answer();
  EXPECT_TRUE(answer.ends_with("done"));
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(busy.at_end());
  busy.close();
  EXPECT_TRUE(server.until([&] { return stopped; }));
}

TEST(StopTest, TheDeadlineCutsWhatIsLeft) {
  std::vector<Exchange> waiting;
  Router router;
  router.add("GET", "/later",
             [&](const Request&, Exchange exchange) { waiting.push_back(std::move(exchange)); });
  auto options = TestServer::quick();
  options.heartbeat = milliseconds(80);  // also sets how often deadlines are looked at
  TestServer server(std::move(router), options);
  Wire busy(server.address());
  busy.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(server.until([&] { return waiting.size() == 1; }));
  bool stopped = false;
  server.on_loop([&] { server.server().stop(milliseconds(10), [&] { stopped = true; }); });
  EXPECT_TRUE(busy.at_end());
  EXPECT_TRUE(server.until([&] { return stopped; }));
  server.on_loop([&] { waiting.clear(); });
}

}  // namespace
}  // namespace berth::http::test
