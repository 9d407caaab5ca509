// SPDX-License-Identifier: Apache-2.0
// A blocking connection with deadlines, for the client.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace berth::http {

/// The forms of Client::connect's base_url.
struct Endpoint {
  std::string url;   // for messages
  std::string host;  // without brackets; empty for a Unix socket
  std::string port;
  std::string path;  // of a Unix socket
  std::string host_field;
};
base::Result<Endpoint> parse_endpoint(std::string_view base_url);

using Deadline = std::chrono::steady_clock::time_point;

/// Errors are kNotReachable and name the endpoint.
base::Result<base::Fd> open_socket(const Endpoint& endpoint, Deadline deadline);
base::Status send_all(const Endpoint& endpoint, int fd, std::string_view bytes, Deadline deadline);
/// At least one byte; 0 at the end of input.
base::Result<std::size_t> receive(const Endpoint& endpoint, int fd, char* buffer, std::size_t size,
                                  Deadline deadline);
/// The server has closed this connection, or sent what nobody asked for.
bool is_stale(int fd);

base::Error not_reachable(const Endpoint& endpoint, const std::string& why);

}  // namespace berth::http
