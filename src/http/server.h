// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 server: listeners, connections, limits and the checks every request passes before
// a handler sees it. Single-threaded: create, use and destroy it on the thread that runs the
// io_context, which must outlive it. Handlers run there too.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/router.h"

namespace boost::asio {
class io_context;
}

namespace berth::http {

struct ServerOptions {
  /// "127.0.0.1:8000", "[::1]:8000", "localhost:0", "0.0.0.0:8000", "unix:/run/berth/berth.sock".
  /// Port 0 picks a free one. "localhost" listens on 127.0.0.1 and, where there is IPv6, ::1.
  std::vector<std::string> listen{"127.0.0.1:8000"};
  int unix_mode = 0666;  // of the socket file; what a peer may do depends on its user, not on this

  // Who may do what (contract: section 3).
  std::string token;       // empty: no token is ever right
  std::string token_hint;  // where to find it; goes into the text of a 401
  bool insecure = false;   // Access::kOpen needs no token on any listener
  /// Who may do everything over the Unix socket, beside root and the daemon's own user. May be
  /// empty.
  std::function<bool(uid_t)> trusted;
  /// Sees every answer with a status from 400 on before it is sent; may change its body, to say it
  /// in the reader's language. May be empty.
  std::function<void(const Request&, Response&)> on_error;
  std::vector<std::string> host_names;       // names this box may be called on a loopback listener
  std::vector<std::string> allowed_origins;  // "https://berth.example.org": pages that may call us

  // Limits.
  std::size_t header_limit = 16U << 10;
  std::size_t body_limit = 8U << 20;
  std::size_t max_connections = 4096;
  std::size_t stream_buffer = 256U << 10;  // EventStream::writable() up to here
  std::size_t stream_limit = 4U << 20;     // a writer this far ahead of its client loses the stream

  // Times.
  std::chrono::milliseconds read_timeout{30'000};   // for a header; for a body plus 1 s per 16 KiB
  std::chrono::milliseconds idle_timeout{75'000};   // between two requests
  std::chrono::milliseconds write_timeout{60'000};  // an answer of which the client takes nothing
  std::chrono::milliseconds heartbeat{15'000};      // silence on an event stream
};

struct ServerCounters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  // beyond max_connections
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;  // by the checks: 400, 401, 403, 413, 415
  std::size_t connections = 0;
  std::size_t streams = 0;
};

class Server {
 public:
  /// Binds every listener and begins to accept; nothing is served before the loop runs. A busy or
  /// forbidden address gives an Error that names it and says what to do. A socket file that
  /// nobody serves is replaced.
  static base::Result<std::unique_ptr<Server>> create(boost::asio::io_context& loop,
                                                      ServerOptions options, Router router);
  /// Closes everything at once. Exchanges and streams that are left become inert.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Where clients can connect, in the order of ServerOptions::listen, with the real ports:
  /// "127.0.0.1:8000", "[::1]:8000", "unix:/run/berth/berth.sock".
  [[nodiscard]] std::vector<std::string> bound_addresses() const;
  [[nodiscard]] ServerCounters counters() const;

  /// Replaces the token (after a reload). Requests already admitted go on.
  void set_token(std::string token);

  /// Accepts no more, ends idle connections and streams, lets answers in progress finish; after
  /// `deadline` cuts what is left. `on_stopped` runs from the loop when no connection is left.
  void stop(std::chrono::milliseconds deadline, std::function<void()> on_stopped);

 private:
  class Listeners;
  explicit Server(std::unique_ptr<Listeners> listeners);
  std::unique_ptr<Listeners> listeners_;
};

}  // namespace berth::http
