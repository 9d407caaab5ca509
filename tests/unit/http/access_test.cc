// SPDX-License-Identifier: Apache-2.0
// The checks of the guard as clients of a real server meet them.
#include <unistd.h>

#include "http/client.h"
#include "http/harness.h"

namespace berth::http::test {
namespace {

Router routes() {
  Router router;
  router.add("GET", "/open", [](const Request& request, Exchange exchange) {
    exchange.respond(
        Response{200, "application/json", request.authenticated ? "true" : "false", {}});
  });
  router.add("GET", "/public", text("1"), Access::kPublic);
  router.add("POST", "/command", echo(), Access::kToken);
  router.add("POST", "/open", echo());
  return router;
}

int ask(const std::string& address, const char* method, const char* path, HeaderList headers = {},
        std::string_view body = {}, std::string token = {}) {
  auto client = Client::connect(address, {token});
  if (!client) return -1;
  auto response = client->request(method, path, headers, body);
  return response ? response->status : -2;
}

TEST(AccessTest, LoopbackNeedsTheTokenForCommandsOnly) {
  TestServer server(routes());
  EXPECT_EQ(ask(server.address(), "GET", "/open"), 200);
  EXPECT_EQ(ask(server.address(), "GET", "/public"), 200);
  EXPECT_EQ(ask(server.address(), "POST", "/command", {}, "{}"), 401);
  EXPECT_EQ(ask(server.address(), "POST", "/command", {}, "{}", "wrong"), 401);
  EXPECT_EQ(ask(server.address(), "POST", "/command", {}, "{}", "secret-token"), 200);
}

TEST(AccessTest, RefusalNamesTheScheme) {
  TestServer server(routes());
  auto client = Client::connect(server.address());
  auto response = client->post("/command", "{}");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 401);
  EXPECT_EQ(response->headers.get("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(response->content_type, "application/json");
  EXPECT_NE(response->detail().find("Authorization"), std::string::npos);
}

TEST(AccessTest, OtherListenersNeedTheTokenForEverythingButPublicRoutes) {
  auto options = TestServer::quick();
  options.listen = {"0.0.0.0:0"};
  TestServer server(routes(), options);
  const std::string address = "127.0.0.1" + server.address().substr(server.address().rfind(':'));
  EXPECT_EQ(ask(address, "GET", "/open"), 401);
  EXPECT_EQ(ask(address, "GET", "/nothing"), 401);
  EXPECT_EQ(ask(address, "GET", "/public"), 200);
  EXPECT_EQ(ask(address, "GET", "/open", {}, {}, "secret-token"), 200);
  EXPECT_EQ(ask(address, "GET", "/nothing", {}, {}, "secret-token"), 404);
}

TEST(AccessTest, InsecureOpensOnlyTheOpenRoutes) {
  auto options = TestServer::quick();
  options.listen = {"0.0.0.0:0"};
  options.insecure = true;
  TestServer server(routes(), options);
  const std::string address = "127.0.0.1" + server.address().substr(server.address().rfind(':'));
  EXPECT_EQ(ask(address, "GET", "/open"), 200);
  EXPECT_EQ(ask(address, "POST", "/command", {}, "{}"), 401);
}

TEST(AccessTest, TokenCanBeReplaced) {
  TestServer server(routes());
  server.on_loop([&] { server.server().set_token("new"); });
  EXPECT_EQ(ask(server.address(), "POST", "/command", {}, "{}", "secret-token"), 401);
  EXPECT_EQ(ask(server.address(), "POST", "/command", {}, "{}", "new"), 200);
}

TEST(AccessTest, UnixSocketGoesByThePeersUser) {
  const std::string path = "/tmp/berth-http-test-" + std::to_string(::getpid()) + ".sock";
  Router router = routes();
  router.add("GET", "/who", [](const Request& request, Exchange exchange) {
    exchange.respond(
        Response{200, "application/json", std::to_string(request.peer.uid.value_or(99999)), {}});
  });
  auto options = TestServer::quick();
  options.listen = {"unix:" + path};
  TestServer server(std::move(router), options);
  EXPECT_EQ(server.address(), "unix:" + path);
  EXPECT_EQ(ask(server.address(), "POST", "/command", {}, "{}"), 200);
  auto client = Client::connect(server.address());
  EXPECT_EQ(client->get("/who")->body, std::to_string(::geteuid()));
  EXPECT_EQ(client->get("/open")->body, "true");
}

TEST(AccessTest, HostOriginAndContentType) {
  auto options = TestServer::quick();
  options.allowed_origins = {"https://berth.example.org"};
  TestServer server(routes(), options);
  const auto raw = [&](const std::string& request) {
    Wire wire(server.address());
    wire.send(request);
    return wire.read_answer();
  };
  EXPECT_EQ(status_of(raw("GET /open HTTP/1.1\r\nHost: evil.example\r\n\r\n")), 403);
  EXPECT_EQ(status_of(raw("GET /open HTTP/1.1\r\n\r\n")), 400);
  EXPECT_EQ(status_of(raw("GET /open HTTP/1.0\r\n\r\n")), 200);
  EXPECT_EQ(status_of(raw("GET http://localhost/open?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            200);
  EXPECT_EQ(ask(server.address(), "GET", "/open", {{"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(ask(server.address(), "GET", "/open", {{"Origin", "http://" + server.address()}}), 200);
  EXPECT_EQ(ask(server.address(), "POST", "/open", {{"Sec-Fetch-Site", "cross-site"}}, "{}"), 403);
  EXPECT_EQ(ask(server.address(), "POST", "/open", {{"Content-Type", "text/plain"}}, "{}"), 415);
  EXPECT_EQ(ask(server.address(), "POST", "/open", {}, ""), 200);
  EXPECT_EQ(ask(server.address(), "OPTIONS", "/open", {{"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(ask(server.address(), "OPTIONS", "/open"), 405);

  const std::string preflight =
      raw("OPTIONS /open HTTP/1.1\r\nHost: localhost\r\nOrigin: https://berth.example.org\r\n"
          "Access-Control-Request-Method: POST\r\n\r\n");
  EXPECT_EQ(status_of(preflight), 204);
  EXPECT_NE(preflight.find("Access-Control-Allow-Origin: https://berth.example.org\r\n"),
            std::string::npos);
  EXPECT_NE(preflight.find("Access-Control-Allow-Methods: "), std::string::npos);
  EXPECT_NE(
      raw("GET /open HTTP/1.1\r\nHost: localhost\r\nOrigin: https://berth.example.org\r\n\r\n")
          .find("Access-Control-Allow-Origin: https://berth.example.org\r\n"),
      std::string::npos);
  EXPECT_EQ(raw("GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n").find("Access-Control"),
            std::string::npos);
}

TEST(AccessTest, FormFromCurlIsToldWhichHeaderToAdd) {
  TestServer server(routes());
  auto client = Client::connect(server.address());
  auto response = client->request(
      "POST", "/open", {{"Content-Type", "application/x-www-form-urlencoded"}}, "{\"a\":1}");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 415);
  EXPECT_NE(response->detail().find("-H 'Content-Type: application/json'"), std::string::npos);
}

}  // namespace
}  // namespace berth::http::test
