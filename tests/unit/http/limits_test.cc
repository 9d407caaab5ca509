// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "http/client.h"
#include "http/harness.h"

namespace berth::http::test {
namespace {

Router routes() {
  Router router;
  router.add("GET", "/one", text("1"));
  router.add("POST", "/echo", echo());
  return router;
}

ServerOptions small() {
  auto options = TestServer::quick();
  options.body_limit = 1000;
  options.header_limit = 2000;
  return options;
}

constexpr std::string_view kGet = "GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string kPost =
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

TEST(LimitsTest, BodyTooLargeByItsDeclaredLength) {
  TestServer server(routes(), small());
  Wire wire(server.address());
  wire.send(kPost + "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  const std::string answer = wire.read_answer();
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_NE(answer.find("{\"detail\":"), std::string::npos);
  EXPECT_TRUE(wire.at_end());
  auto client = Client::connect(server.address());
  EXPECT_EQ(client->post("/echo", std::string(1000, '1'))->status, 200);
  EXPECT_EQ(client->post("/echo", std::string(1001, '1'))->status, 413);
  EXPECT_EQ(client->post("/echo", std::string(5'000'000, '1'))->status, 413);
  EXPECT_EQ(client->get("/one")->status, 200);
}

TEST(LimitsTest, BodyTooLargeInChunks) {
  TestServer server(routes(), small());
  Wire wire(server.address());
  wire.send(kPost + "Transfer-Encoding: chunked\r\n\r\n" + "258\r\n" + std::string(600, 'x') +
            "\r\n" + "258\r\n" + std::string(600, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(status_of(wire.read_answer()), 413);
  EXPECT_TRUE(wire.at_end());
}

TEST(LimitsTest, HeaderTooLarge) {
  TestServer server(routes(), small());
  Wire wire(server.address());
  wire.send("GET /one HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(3000, 'x') +
            "\r\n\r\n");
  EXPECT_EQ(status_of(wire.read_answer()), 431);
  EXPECT_TRUE(wire.at_end());
  Wire endless(server.address());
  endless.send("GET /" + std::string(100'000, 'x'));
  EXPECT_EQ(status_of(endless.read_answer()), 431);
  Wire fits(server.address());
  fits.send("GET /one HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(1900, 'x') +
            "\r\n\r\n");
  EXPECT_EQ(status_of(fits.read_answer()), 200);
}

TEST(LimitsTest, DefaultHeaderLimitIs16KiB) {
  TestServer server(routes());
  Wire wire(server.address());
  wire.send("GET /one HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(16000, 'x') +
            "\r\n\r\n");
  EXPECT_EQ(status_of(wire.read_answer()), 200);
  wire.send("GET /one HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(17000, 'x') +
            "\r\n\r\n");
  EXPECT_EQ(status_of(wire.read_answer()), 431);
}

TEST(LimitsTest, SlowHeadersAndBodiesTimeOut) {
  auto options = small();
  options.read_timeout = milliseconds(100);
  TestServer server(routes(), options);
  Wire header(server.address());
  header.send("GET /one HTTP/1.1\r\n");
  EXPECT_EQ(status_of(header.read_answer()), 408);
  EXPECT_TRUE(header.at_end());
  Wire body(server.address());
  body.send(kPost + "Content-Length: 10\r\n\r\n123");
  EXPECT_EQ(status_of(body.read_answer()), 408);
  EXPECT_TRUE(body.at_end());
  Wire silent(server.address());
  EXPECT_TRUE(silent.at_end());
}

TEST(LimitsTest, DrippingBytesDoNotExtendTheTime) {
  auto options = small();
  options.read_timeout = milliseconds(200);
  TestServer server(routes(), options);
  Wire wire(server.address());
  wire.send("GET /one HTTP/1.1\r\nX: ");
  // One byte for each time the deadline was looked at, until the server hangs up.
  const auto last = in(kPatience);
  bool refused = false;
  while (!refused && std::chrono::steady_clock::now() < last) {
    refused =
        !wire.send("x") || server.counters().connections == 0 || server.counters().refused > 0;
    std::this_thread::yield();
  }
  EXPECT_TRUE(refused);
}

TEST(LimitsTest, IdleConnectionsEnd) {
  auto options = small();
  options.idle_timeout = milliseconds(50);
  TestServer server(routes(), options);
  Wire wire(server.address());
  wire.send(kGet);
  EXPECT_EQ(status_of(wire.read_answer()), 200);
  EXPECT_TRUE(wire.at_end());
}

TEST(LimitsTest, ClientsThatTakeNothingAreCut) {
  Router router;
  router.add("GET", "/large", text(std::string(64U << 20, 'x')));
  auto options = small();
  options.write_timeout = milliseconds(100);
  TestServer server(std::move(router), options);
  Wire wire(server.address());
  wire.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(server.until([&] { return server.server().counters().requests == 1; }));
  EXPECT_TRUE(server.until([&] { return server.server().counters().connections == 0; }));
}

TEST(LimitsTest, TooManyConnections) {
  auto options = small();
  options.max_connections = 3;
  TestServer server(routes(), options);
  std::vector<std::unique_ptr<Wire>> wires;
  for (int i = 0; i < 3; ++i) {
    wires.push_back(std::make_unique<Wire>(server.address()));
    wires.back()->send(kGet);
    EXPECT_EQ(status_of(wires.back()->read_answer()), 200);
  }
  Wire extra(server.address());
  EXPECT_EQ(status_of(extra.read_answer()), 503);
  EXPECT_TRUE(extra.at_end());
  extra.close();
  wires.pop_back();
  EXPECT_TRUE(server.until([&] { return server.server().counters().connections == 2; }));
  Wire next(server.address());
  next.send(kGet);
  EXPECT_EQ(status_of(next.read_answer()), 200);
  EXPECT_EQ(server.counters().connections_refused, 1U);
}

TEST(LimitsTest, NoDescriptorsLeftNeitherSpinsNorKills) {
  TestServer server(routes());
  Wire before(server.address());
  before.send(kGet);
  EXPECT_EQ(status_of(before.read_answer()), 200);
  Wire waits(
      server.address());  // already in the queue of the kernel when the limit bites, or accepted
  waits.send(kGet);
  EXPECT_EQ(status_of(waits.read_answer()), 200);

  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  auto endpoint = parse_endpoint(server.address());
  testing::internal::CaptureStderr();  // takes descriptors itself
  // A limit just above the highest descriptor in use: our socket fits, the server's side does not.
  const base::Fd highest(::dup(waits.fd()));
  rlimit tight = old;
  tight.rlim_cur = static_cast<rlim_t>(highest.get()) + 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  auto ours = open_socket(*endpoint, in(kPatience));
  rusage start{};
  ::getrusage(RUSAGE_SELF, &start);
  ASSERT_TRUE(ours);
  ASSERT_TRUE(send_all(*endpoint, ours->get(), kGet, in(kPatience)));
  char buffer[512];
  const auto refused =
      receive(*endpoint, ours->get(), buffer, sizeof buffer, in(milliseconds(400)));
  rusage end{};
  ::getrusage(RUSAGE_SELF, &end);
  before.send(kGet);
  EXPECT_EQ(status_of(before.read_answer()), 200);  // those who are in are served
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_FALSE(refused);
  const auto micros = [](const rusage& use) {
    return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1'000'000 + use.ru_utime.tv_usec +
           use.ru_stime.tv_usec;
  };
  EXPECT_LT(micros(end) - micros(start), 200'000);
  const auto got = receive(*endpoint, ours->get(), buffer, sizeof buffer, in(kPatience));
  ASSERT_TRUE(got);
  EXPECT_EQ(status_of({buffer, *got}), 200);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("no connection can be accepted"),
            std::string::npos);
}

}  // namespace
}  // namespace berth::http::test
