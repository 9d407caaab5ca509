// SPDX-License-Identifier: Apache-2.0
#include "http/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "http/client.h"
#include "http/harness.h"

namespace berth::http::test {
namespace {

std::string temporary_path(const char* name) {
  return "/tmp/berth-listener-" + std::to_string(::getpid()) + "-" + name;
}

TEST(ListenerTest, PortZeroPicksAFreePort) {
  const auto sockets = open_listener("127.0.0.1:0", 0666);
  ASSERT_TRUE(sockets);
  EXPECT_NE((*sockets)[0].address, "127.0.0.1:0");
  EXPECT_TRUE((*sockets)[0].loopback);
  EXPECT_FALSE((*open_listener("0.0.0.0:0", 0666))[0].loopback);
}

TEST(ListenerTest, KnowsWhatOtherMachinesCanReach) {
  for (const char* local : {"127.0.0.1:0", "127.1.2.3:80", "[::1]:80", "localhost:80", "unix:/x"}) {
    EXPECT_TRUE(stays_local(local).value()) << local;
  }
  for (const char* open : {"0.0.0.0:80", "[::]:80", "203.0.113.1:80"}) {
    EXPECT_FALSE(stays_local(open).value()) << open;
  }
  EXPECT_EQ(stays_local("banana").error().code, base::ErrorCode::kBadRequest);
}

TEST(ListenerTest, LocalhostHasOnePortForBothFamilies) {
  const auto sockets = open_listener("localhost:0", 0666);
  ASSERT_TRUE(sockets);
  ASSERT_GE(sockets->size(), 1U);
  const auto port = [](const std::string& address) { return address.substr(address.rfind(':')); };
  EXPECT_EQ(port(sockets->front().address), port(sockets->back().address));
  for (const auto& socket : *sockets) EXPECT_TRUE(socket.loopback);
}

TEST(ListenerTest, ABusyPortIsNamed) {
  const auto first = open_listener("127.0.0.1:0", 0666);
  ASSERT_TRUE(first);
  const auto second = open_listener((*first)[0].address, 0666);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::kIoError);
  EXPECT_NE(second.error().message.find((*first)[0].address), std::string::npos);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

TEST(ListenerTest, BadAddressesAreRefused) {
  for (const char* bad : {"", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
                          ":8000", "unix:relative", "unix:"}) {
    const auto result = open_listener(bad, 0666);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, base::ErrorCode::kBadRequest) << bad;
  }
  EXPECT_FALSE(open_listener("203.0.113.1:8000", 0666));  // not an address of this machine
}

TEST(ListenerTest, SocketFileHasItsModeAndGoesAway) {
  const std::string path = temporary_path("mode");
  {
    const auto sockets = open_listener("unix:" + path, 0660);
    ASSERT_TRUE(sockets);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
    remove_socket_file((*sockets)[0]);
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(ListenerTest, AStaleSocketFileIsReplacedALiveOneIsNot) {
  const std::string path = temporary_path("stale");
  {
    const auto left_behind = open_listener("unix:" + path, 0666);
  }
  ASSERT_EQ(::access(path.c_str(), F_OK), 0);
  const auto again = open_listener("unix:" + path, 0666);
  ASSERT_TRUE(again) << again.error().message;
  const auto third = open_listener("unix:" + path, 0666);
  ASSERT_FALSE(third);
  EXPECT_NE(third.error().message.find(path), std::string::npos);
  remove_socket_file((*again)[0]);
}

TEST(ListenerTest, AnotherFileIsLeftAlone) {
  const std::string path = temporary_path("file");
  ASSERT_TRUE(base::write_file(path, "precious"));
  EXPECT_FALSE(open_listener("unix:" + path, 0666));
  EXPECT_EQ(*base::read_file(path), "precious");
  ::unlink(path.c_str());
}

TEST(ListenerTest, AServerServesAllItsListeners) {
  const std::string path = temporary_path("all");
  Router router;
  router.add("GET", "/one", text("1"));
  auto options = TestServer::quick();
  options.listen = {"127.0.0.1:0", "localhost:0", "unix:" + path};
  {
    TestServer server(std::move(router), options);
    std::vector<std::string> addresses;
    server.on_loop([&] { addresses = server.server().bound_addresses(); });
    EXPECT_GE(addresses.size(), 3U);
    for (const auto& address : addresses)
      EXPECT_EQ(Client::connect(address)->get("/one")->body, "1") << address;
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(ListenerTest, AServerWithABusyListenerLeavesNothingBehind) {
  const std::string path = temporary_path("half");
  const auto busy = open_listener("127.0.0.1:0", 0666);
  ASSERT_TRUE(busy);
  boost::asio::io_context loop;
  ServerOptions options;
  options.listen = {"unix:" + path, (*busy)[0].address};
  const auto server = Server::create(loop, options, Router());
  ASSERT_FALSE(server);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace berth::http::test
