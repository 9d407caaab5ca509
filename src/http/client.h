// SPDX-License-Identifier: Apache-2.0
// A small blocking client for the command line: one connection, plain POSIX sockets, no DNS
// threads, no TLS. Not thread-safe; one Client per thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/request.h"

namespace berth::http {

struct ClientOptions {
  std::string token;  // sent as "Authorization: Bearer <token>" when not empty
  std::chrono::milliseconds connect_timeout{5'000};
};

struct ClientResponse {
  int status = 0;
  std::string content_type;
  Headers headers;
  std::string body;

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
  /// The "detail" of an error body when it is a string, else the body, else the status.
  [[nodiscard]] std::string detail() const;
};

class Client {
 public:
  /// `base_url`: "http://host:port", "host:port", "http://[::1]:8000" or "unix:/path". Connects.
  /// kBadRequest for another form; kNotReachable when nobody answers there, with a message that
  /// names the address and says how to start the daemon.
  static base::Result<Client> connect(std::string base_url, ClientOptions options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// One request and its whole answer, whatever the status. `path` with its query, already encoded
  /// (percent_encode). A body gets "Content-Type: application/json" unless `headers` say otherwise.
  /// The connection is kept; when the server has closed it meanwhile it is made anew.
  base::Result<ClientResponse> request(
      std::string_view method, std::string_view path, const HeaderList& headers = {},
      std::string_view body = {}, std::chrono::milliseconds timeout = std::chrono::seconds(30));
  base::Result<ClientResponse> get(std::string_view path) { return request("GET", path); }
  base::Result<ClientResponse> post(std::string_view path, std::string_view body) {
    return request("POST", path, {}, body);
  }

  /// A request whose answer goes on (events, a log that is followed). While the status is 2xx
  /// `on_data` gets the bytes as they come, until it returns false or the server ends; the result
  /// then has an empty body. With another status `on_data` is not called and the body is in the
  /// result. `idle_timeout`: the longest silence, 0 for any. kNotReachable when the connection
  /// breaks, also in the middle.
  base::Result<ClientResponse> stream(
      std::string_view method, std::string_view path, const HeaderList& headers,
      const std::function<bool(std::string_view)>& on_data, std::string_view body = {},
      std::chrono::milliseconds idle_timeout = std::chrono::milliseconds(0));

  [[nodiscard]] const std::string& url() const;

 private:
  class Link;
  explicit Client(std::unique_ptr<Link> link);
  std::unique_ptr<Link> link_;
};

}  // namespace berth::http
