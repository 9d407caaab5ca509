// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <vector>

#include "http/client.h"
#include "http/event_reader.h"
#include "http/harness.h"

namespace berth::http::test {
namespace {

// Streams that the tests feed from the loop.
struct Source {
  std::vector<EventStream> streams;
  int closed = 0;

  Router router() {
    Router result;
    result.add("GET", "/events", [this](const Request&, Exchange exchange) {
      streams.push_back(exchange.start_events());
      streams.back().on_closed([this] { ++closed; });
    });
    result.add("GET", "/log", [this](const Request&, Exchange exchange) {
      streams.push_back(exchange.start_stream("text/plain"));
      streams.back().on_closed([this] { ++closed; });
    });
    result.add("GET", "/one", text("1"));
    return result;
  }
};

constexpr std::string_view kEvents = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";

class StreamTest : public testing::Test {
 protected:
  void start(ServerOptions options = TestServer::quick()) {
    server = std::make_unique<TestServer>(source.router(), std::move(options));
  }
  void TearDown() override {
    if (server) server->on_loop([this] { source.streams.clear(); });
    server.reset();
  }
  bool streams(std::size_t count) {
    return server->until([&] { return source.streams.size() == count; });
  }
  Source source;
  std::unique_ptr<TestServer> server;
};

TEST_F(StreamTest, HeadersAreThoseOfTheOriginals) {
  start();
  Wire wire(server->address());
  wire.send(kEvents);
  const std::string head = wire.read_until("\r\n\r\n");
  for (const char* field : {"HTTP/1.1 200 OK\r\n", "Content-Type: text/event-stream",
                            "Cache-Control: no-cache\r\n", "Connection: keep-alive\r\n",
                            "X-Accel-Buffering: no\r\n", "Transfer-Encoding: chunked\r\n"}) {
    EXPECT_NE(head.find(field), std::string::npos) << field;
  }
}

TEST_F(StreamTest, TwoReadersGetTheirOwnCopies) {
  start();
  std::map<int, std::vector<std::string>> seen;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    auto& mine = seen[i];
    readers.emplace_back([this, &mine] {
      auto client = Client::connect(server->address());
      EventReader events([&](const Event& event) {
        mine.push_back(event.data);
        return true;
      });
      auto result = client->stream("GET", "/events", {},
                                   [&](std::string_view bytes) { return events.feed(bytes); });
      EXPECT_TRUE(result && result->status == 200);
      EXPECT_EQ(client->get("/one")->body, "1");  // the connection goes on after the stream
    });
  }
  ASSERT_TRUE(streams(2));
  for (int i = 0; i < 100; ++i) {
    server->on_loop([&] {
      for (auto& stream : source.streams)
        stream.write(format_event(std::to_string(i), std::to_string(i)));
    });
  }
  server->on_loop([&] {
    for (auto& stream : source.streams) stream.close();
  });
  for (auto& reader : readers) reader.join();
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(seen[0], expected);
  EXPECT_EQ(seen[1], expected);
  server->on_loop([&] { EXPECT_EQ(source.closed, 0); });  // the producer closed
}

TEST_F(StreamTest, ASlowReaderHoldsThePullingProducerBack) {
  start();
  Wire wire(server->address());
  wire.send("GET /log HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(streams(1));
  constexpr int kPieces = 1000;  // 64 MB: far more than the kernel's buffers take
  int written = 0;
  std::size_t most = 0;
  std::function<void()> produce = [&] {
    EventStream& stream = source.streams.front();
    if (written == kPieces) return stream.close();
    ++written;
    stream.write(std::string(65536, static_cast<char>('a' + written % 26)), produce);
    most = std::max(most, stream.buffered());
  };
  server->on_loop(produce);
  // Nobody reads: it comes to rest.
  int before = -1;
  EXPECT_TRUE(
      server->until([&] { return std::exchange(before, written) == written && written > 1; }));
  server->on_loop([&] { EXPECT_LT(written, kPieces); });
  wire.read_until("\r\n\r\n");
  const std::string body = wire.read_until("0\r\n\r\n");
  EXPECT_GT(body.size(), 65536U * kPieces);
  server->on_loop([&] {
    EXPECT_EQ(written, kPieces);
    EXPECT_LT(most, 200'000U);
  });
}

TEST_F(StreamTest, APushingProducerSeesWritableAndIsCutAtTheLimit) {
  auto options = TestServer::quick();
  options.stream_buffer = 100'000;
  options.stream_limit = 1'000'000;
  start(options);
  Wire wire(server->address());
  wire.send(kEvents);
  ASSERT_TRUE(streams(1));
  std::size_t most = 0;
  bool was_full = false;
  EXPECT_TRUE(server->until([&] {
    EventStream& stream = source.streams.front();
    for (int i = 0; i < 10 && stream.open(); ++i) {
      stream.write(format_event(std::string(10'000, 'x')));
      most = std::max(most, stream.buffered());
      was_full = was_full || (stream.open() && !stream.writable());
    }
    return source.closed == 1;
  }));
  EXPECT_TRUE(was_full);
  EXPECT_LE(most, 1'020'000U);
  server->on_loop([&] { EXPECT_FALSE(source.streams.front().write("x")); });
}

TEST_F(StreamTest, AReaderThatLeavesIsNoticedWhileIdle) {
  start();
  {
    Wire wire(server->address());
    wire.send(kEvents);
    wire.read_until("\r\n\r\n");
    ASSERT_TRUE(streams(1));
  }
  EXPECT_TRUE(server->until([&] { return source.closed == 1; }));
  server->on_loop([&] {
    EXPECT_FALSE(source.streams.front().open());
    EXPECT_FALSE(source.streams.front().writable());
    int late = 0;
    source.streams.front().on_closed([&late] { ++late; });
    EXPECT_EQ(late, 0);  // never from inside
    source.streams.front().on_closed({});
  });
  EXPECT_EQ(server->counters().streams, 0U);
}

TEST_F(StreamTest, CallbacksSetAfterTheEndStillRun) {
  start();
  {
    Wire wire(server->address());
    wire.send(kEvents);
    ASSERT_TRUE(streams(1));
  }
  ASSERT_TRUE(server->until([&] { return source.closed == 1; }));
  server->on_loop([&] { source.streams.front().on_closed([this] { source.closed = 7; }); });
  EXPECT_TRUE(server->until([&] { return source.closed == 7; }));
}

TEST_F(StreamTest, HeartbeatsInSilenceOnEventStreamsOnly) {
  auto options = TestServer::quick();
  options.heartbeat = milliseconds(40);
  start(options);
  Wire log(server->address());
  log.send("GET /log HTTP/1.1\r\nHost: localhost\r\n\r\n");
  log.read_until("\r\n\r\n");
  auto client = Client::connect(server->address());
  EventReader events([](const Event&) { return true; });
  const auto result = client->stream("GET", "/events", {}, [&](std::string_view bytes) {
    events.feed(bytes);
    return events.comments() < 3;
  });
  EXPECT_TRUE(result);
  EXPECT_EQ(events.comments(), 3U);
  server->on_loop([&] {
    for (auto& stream : source.streams) stream.close();
  });
  EXPECT_EQ(log.read_until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(StreamTest, Http10EndsWithTheConnection) {
  start();
  Wire wire(server->address());
  wire.send("GET /log HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(streams(1));
  server->on_loop([&] {
    source.streams.front().write("some bytes");
    source.streams.front().close();
  });
  const std::string head = wire.read_until("\r\n\r\n");
  EXPECT_EQ(head.find("chunked"), std::string::npos);
  EXPECT_EQ(wire.read_until(""), "some bytes");
}

TEST_F(StreamTest, DrainedCallbacksComeInOrderAndNeverFromInside) {
  start();
  Wire wire(server->address());
  wire.send("GET /log HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(streams(1));
  std::vector<int> order;
  server->on_loop([&] {
    source.streams.front().write("a", [&] { order.push_back(1); });
    source.streams.front().write("", [&] { order.push_back(2); });
    source.streams.front().write("b", [&] { order.push_back(3); });
    EXPECT_TRUE(order.empty());
  });
  EXPECT_TRUE(server->until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  server->on_loop([&] {
    source.streams.front().write("", [&] { order.push_back(4); });
    EXPECT_EQ(order.size(), 3U);
  });
  EXPECT_TRUE(server->until([&] { return order.size() == 4; }));
}

TEST_F(StreamTest, NoCallbackAfterClose) {
  start();
  Wire wire(server->address());
  wire.send("GET /log HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(streams(1));
  bool called = false;
  server->on_loop([&] {
    source.streams.front().write("a", [&] { called = true; });
    source.streams.front().close();
    EXPECT_FALSE(source.streams.front().write("b"));
  });
  wire.read_until("0\r\n\r\n");
  wire.close();
  EXPECT_TRUE(server->until([&] { return server->server().counters().connections == 0; }));
  server->on_loop([&] {
    EXPECT_FALSE(called);
    EXPECT_EQ(source.closed, 0);
  });
}

TEST_F(StreamTest, HeadOfAStreamEndsAtOnce) {
  start();
  Wire wire(server->address());
  wire.send("HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(wire.read_until("\r\n\r\n")), 200);
  EXPECT_TRUE(server->until([&] { return source.closed == 1; }));
}

TEST_F(StreamTest, StopEndsStreamsProperlyAndTellsTheProducer) {
  start();
  Wire wire(server->address());
  wire.send(kEvents);
  ASSERT_TRUE(streams(1));
  bool stopped = false;
  server->on_loop([&] {
    source.streams.front().write(format_event("last"));
    server->server().stop(seconds(60), [&] { stopped = true; });
  });
  const std::string all = wire.read_until("");
  EXPECT_NE(all.find("data: last"), std::string::npos);
  EXPECT_TRUE(all.ends_with("0\r\n\r\n"));
  wire.close();
  EXPECT_TRUE(server->until([&] { return stopped && source.closed == 1; }));
}

TEST_F(StreamTest, StreamsOutliveTheServerHarmlessly) {
  start();
  Wire wire(server->address());
  wire.send(kEvents);
  ASSERT_TRUE(streams(1));
  std::vector<EventStream> kept;
  server->on_loop([&] { kept = source.streams; });
  server->on_loop([&] { source.streams.clear(); });
  server.reset();
  EXPECT_FALSE(kept.front().open());
  EXPECT_FALSE(kept.front().write("x"));
  kept.front().close();
}

}  // namespace
}  // namespace berth::http::test
