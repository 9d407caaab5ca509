// SPDX-License-Identifier: Apache-2.0
#include "http/guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace berth::http {
namespace {

ServerOptions options() {
  ServerOptions result;
  result.token = "secret";
  result.host_names = {"Box.Lan"};
  result.allowed_origins = {"https://berth.example.org/"};
  result.trusted = [](uid_t uid) { return uid == 4242; };
  return result;
}

Request request(std::string method,
                std::initializer_list<std::pair<const char*, const char*>> headers) {
  Request result;
  result.method = std::move(method);
  result.peer.loopback = true;
  for (const auto& [name, value] : headers) result.headers.add(name, value);
  return result;
}

int status(const std::optional<Response>& response) { return response ? response->status : 0; }

TEST(HostCheck, LoopbackListenersAnswerOnlyToTheirOwnNames) {
  const Guard guard(options());
  for (const char* host : {"localhost", "LocalHost:8000", "localhost.", "127.0.0.1", "127.3.2.1:80",
                           "[::1]", "[::1]:8000", "box.lan:8000", "BOX.LAN"}) {
    EXPECT_EQ(status(guard.refuse_host(request("GET", {{"Host", host}}), false)), 0) << host;
  }
  for (const char* host :
       {"evil.example", "evil.example:8000", "192.168.1.5:8000", "localhost.evil.example", "[::2]",
        "127.0.0.1.evil.example", "localhost@evil", "", "[::1", "localhost:80:80", "128.0.0.1"}) {
    EXPECT_EQ(status(guard.refuse_host(request("GET", {{"Host", host}}), false)), 403) << host;
  }
}

TEST(HostCheck, OtherListenersDoNotKnowTheirNames) {
  const Guard guard(options());
  Request remote = request("GET", {{"Host", "gpu-box.example"}});
  remote.peer.loopback = false;
  EXPECT_EQ(status(guard.refuse_host(remote, false)), 0);
}

TEST(HostCheck, ExactlyOneHost) {
  const Guard guard(options());
  EXPECT_EQ(status(guard.refuse_host(request("GET", {}), false)), 400);
  EXPECT_EQ(status(guard.refuse_host(request("GET", {}), true)), 0);
  EXPECT_EQ(status(guard.refuse_host(request("GET", {{"Host", "localhost"}, {"Host", "localhost"}}),
                                     false)),
            400);
}

TEST(OriginCheck, SameOriginPassesWhateverTheSpelling) {
  const Guard guard(options());
  EXPECT_FALSE(guard
                   .check_origin(request(
                       "POST", {{"Host", "localhost:8000"}, {"Origin", "http://LOCALHOST:8000"}}))
                   .answer);
  EXPECT_FALSE(
      guard
          .check_origin(request("POST", {{"Host", "localhost"}, {"Origin", "http://localhost:80"}}))
          .answer);
  EXPECT_FALSE(
      guard.check_origin(request("POST", {{"Host", "[::1]:8000"}, {"Origin", "http://[::1]:8000"}}))
          .answer);
  EXPECT_FALSE(guard.check_origin(request("POST", {{"Host", "localhost:8000"}})).answer);
}

TEST(OriginCheck, ForeignPagesAreRefusedForEveryMethod) {
  const Guard guard(options());
  for (const char* method : {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}) {
    for (const char* origin :
         {"http://evil.example", "null", "http://localhost:3000", "https://localhost:8000", "",
          "http://localhost:8000/x", "http://127.0.0.1:8000"}) {
      const auto verdict =
          guard.check_origin(request(method, {{"Host", "localhost:8000"}, {"Origin", origin}}));
      EXPECT_EQ(status(verdict.answer), 403) << method << " " << origin;
      EXPECT_FALSE(verdict.cross_origin);
    }
  }
}

TEST(OriginCheck, AllowedOriginsPassAndGetAPreflight) {
  const Guard guard(options());
  const auto plain = guard.check_origin(request("POST", {{"Host", "localhost"},
                                                         {"Origin", "https://berth.example.org"},
                                                         {"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(plain.answer);
  EXPECT_TRUE(plain.cross_origin);
  const auto preflight =
      guard.check_origin(request("OPTIONS", {{"Host", "localhost"},
                                             {"Origin", "https://berth.example.org"},
                                             {"Access-Control-Request-Method", "POST"}}));
  EXPECT_EQ(status(preflight.answer), 204);
  EXPECT_TRUE(preflight.cross_origin);
}

TEST(OriginCheck, CrossSiteWritesWithoutOriginAreRefused) {
  const Guard guard(options());
  const auto check = [&](const char* method, const char* site) {
    return status(
        guard.check_origin(request(method, {{"Host", "localhost"}, {"Sec-Fetch-Site", site}}))
            .answer);
  };
  EXPECT_EQ(check("POST", "cross-site"), 403);
  EXPECT_EQ(check("DELETE", "cross-site"), 403);
  EXPECT_EQ(check("GET", "cross-site"), 0);  // a link to the page
  EXPECT_EQ(check("POST", "same-origin"), 0);
  EXPECT_EQ(check("POST", "none"), 0);
}

TEST(Token, IsComparedWhole) {
  Guard guard(options());
  const auto knows = [&](const char* field) {
    return guard.authenticated(request("GET", {{"Authorization", field}}));
  };
  EXPECT_TRUE(knows("Bearer secret"));
  EXPECT_TRUE(knows("bearer  secret"));
  EXPECT_FALSE(knows("Bearer secre"));
  EXPECT_FALSE(knows("Bearer secrets"));
  EXPECT_FALSE(knows("Bearer "));
  EXPECT_FALSE(knows("Basic secret"));
  EXPECT_FALSE(knows("secret"));
  EXPECT_FALSE(guard.authenticated(request("GET", {})));
  guard.set_token("");
  EXPECT_FALSE(knows("Bearer "));
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_FALSE(equal_in_constant_time("a", ""));
  EXPECT_FALSE(equal_in_constant_time("", "a"));
}

TEST(Access, OverTcp) {
  ServerOptions relaxed = options();
  relaxed.insecure = true;
  for (const bool insecure : {false, true}) {
    const Guard guard(insecure ? relaxed : options());
    for (const bool loopback : {false, true}) {
      for (const bool authenticated : {false, true}) {
        Request who;
        who.peer.loopback = loopback;
        who.authenticated = authenticated;
        EXPECT_EQ(status(guard.refuse_access(who, Access::kPublic)), 0);
        EXPECT_EQ(status(guard.refuse_access(who, Access::kToken)), authenticated ? 0 : 401);
        EXPECT_EQ(status(guard.refuse_access(who, Access::kOpen)),
                  authenticated || loopback || insecure ? 0 : 401);
      }
    }
  }
}

TEST(Access, OverTheUnixSocketTheUserCounts) {
  const Guard guard(options());
  const auto who = [](uid_t uid) {
    Request result;
    result.peer.unix_socket = true;
    result.peer.uid = uid;
    return result;
  };
  EXPECT_TRUE(guard.authenticated(who(0)));
  EXPECT_TRUE(guard.authenticated(who(::geteuid())));
  EXPECT_TRUE(guard.authenticated(who(4242)));
  EXPECT_FALSE(guard.authenticated(who(4243)));
  EXPECT_EQ(status(guard.refuse_access(who(4243), Access::kToken)), 403);
  EXPECT_EQ(status(guard.refuse_access(who(4243), Access::kOpen)), 0);
  Request with_token = who(4243);
  with_token.headers.add("Authorization", "Bearer secret");
  EXPECT_TRUE(guard.authenticated(with_token));
}

TEST(ContentType, BodiesAreJson) {
  const auto check = [](const char* method, const char* type, bool body = true) {
    return status(Guard::refuse_content_type(request(method, {{"Content-Type", type}}), body));
  };
  EXPECT_EQ(check("POST", "application/json"), 0);
  EXPECT_EQ(check("PUT", "Application/JSON; charset=utf-8"), 0);
  EXPECT_EQ(check("POST", "application/x-www-form-urlencoded"), 415);
  EXPECT_EQ(check("PATCH", "text/plain"), 415);
  EXPECT_EQ(check("POST", "application/jsonx"), 415);
  EXPECT_EQ(check("POST", "text/plain", false), 0);
  EXPECT_EQ(check("DELETE", "text/plain"), 0);
  EXPECT_EQ(status(Guard::refuse_content_type(request("POST", {}), true)), 415);
}

}  // namespace
}  // namespace berth::http
