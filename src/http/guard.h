// SPDX-License-Identifier: Apache-2.0
// The checks every request passes before a handler sees it, so that no web page and no stranger
// on the network can make the daemon do something. Pure: options and a request in, a verdict out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"
#include "http/router.h"
#include "http/server.h"

namespace berth::http {

class Guard {
 public:
  explicit Guard(const ServerOptions& options);

  void set_token(std::string token) { token_ = std::move(token); }

  /// One Host field; on a loopback listener it must name this box, or a page whose name was
  /// rebound to 127.0.0.1 would count as local. 400 or 403.
  [[nodiscard]] std::optional<Response> refuse_host(const Request& request, bool http_1_0) const;

  /// What the Origin and Sec-Fetch-Site fields say.
  struct OriginVerdict {
    std::optional<Response> answer;  // a refusal, or the answer to an allowed preflight
    bool cross_origin = false;       // allowed: the answer needs Access-Control-Allow-Origin
  };
  [[nodiscard]] OriginVerdict check_origin(const Request& request) const;

  /// Whether the client has shown the token or is a trusted user of the Unix socket.
  [[nodiscard]] bool authenticated(const Request& request) const;

  /// 401 or 403 when a client that is (not) `request.authenticated` may not use a route of
  /// `access`.
  [[nodiscard]] std::optional<Response> refuse_access(const Request& request, Access access) const;

  /// 415 for a body that is not declared as JSON.
  [[nodiscard]] static std::optional<Response> refuse_content_type(const Request& request,
                                                                   bool has_body);

 private:
  [[nodiscard]] bool allowed_origin(std::string_view origin) const;
  [[nodiscard]] bool local_name(std::string_view host) const;

  std::string token_;
  std::string token_hint_;
  bool insecure_;
  std::function<bool(uid_t)> trusted_;
  std::vector<std::string> host_names_;
  std::vector<std::string> allowed_origins_;
};

/// Equal, in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace berth::http
