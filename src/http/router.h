// SPDX-License-Identifier: Apache-2.0
// From method and path to a handler. Filled at start, then only read.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"
#include "http/request.h"

namespace berth::http {

/// Runs on the loop's thread and must not block. What it throws becomes a 500.
using Handler = std::function<void(const Request&, Exchange)>;

/// Who may use a route.
enum class Access {
  kPublic,  // anybody who reaches a listener: liveness probes, the web page's files
  kOpen,    // over a listener that is not loopback: the token, unless ServerOptions::insecure
  kToken,   // over TCP always the token; over the Unix socket the peer's user counts
};

struct Route {
  std::string method;
  std::string pattern;
  Access access = Access::kOpen;
  Handler handler;
  std::vector<std::string> parameter_names;
};

class Router {
 public:
  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// `pattern`: "/api/v2/tasks/{task_id}". A parameter is one whole segment and never empty; a
  /// literal segment beats a parameter. "{name...}" as the last segment takes all that is left
  /// (at least one character). GET also answers HEAD. The same method and shape twice aborts.
  void add(std::string_view method, std::string_view pattern, Handler handler,
           Access access = Access::kOpen);

  struct Match {
    const Route* route = nullptr;
    bool path_known = false;  // another method would have matched
    std::string allow;        // then: the methods, "GET, HEAD, POST"
  };
  /// Looks `raw_path` up (not yet decoded, so that "%2F" stays inside its segment) and fills
  /// `parameters` (decoded).
  [[nodiscard]] Match match(std::string_view method, std::string_view raw_path,
                            Parameters& parameters) const;

  /// Every route in the order added.
  [[nodiscard]] std::vector<const Route*> routes() const;

  /// Match and call, as the server does but without its checks: for tests of handlers.
  void dispatch(Request& request, Exchange exchange) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace berth::http
