// SPDX-License-Identifier: Apache-2.0
#include "http/client_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace berth::http {

using base::ErrorCode;
using base::fail;
using base::Fd;
using base::Result;
using base::Status;

namespace {

// 0 when `fd` is ready, else errno (ETIMEDOUT at the deadline).
int wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    int wait_ms = -1;
    if (deadline != Deadline::max()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now())
              .count();
      if (left <= 0) return ETIMEDOUT;
      wait_ms = static_cast<int>(std::min<long>(left, INT_MAX));
    }
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, wait_ms);
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

int connect_to(const Fd& fd, const sockaddr* address, socklen_t size, Deadline deadline) {
  if (!fd.valid()) return errno;
  if (::connect(fd.get(), address, size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (const int code = wait_for(fd.get(), POLLOUT, deadline); code != 0) return code;
  int error = 0;
  socklen_t error_size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
  return error;
}

Result<Fd> open_unix(const Endpoint& endpoint, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, endpoint.path.c_str(), endpoint.path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int code =
      connect_to(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
  if (code != 0) return fail(not_reachable(endpoint, std::strerror(code)));
  return fd;
}

}  // namespace

base::Error not_reachable(const Endpoint& endpoint, const std::string& why) {
  return {ErrorCode::kNotReachable,
          "cannot reach the Berth daemon at " + endpoint.url + ": " + why +
              ". Start it with 'systemctl start berth' or 'berthd', or set BERTH_URL to where it "
              "listens",
          {{"url", endpoint.url}}};
}

Result<Endpoint> parse_endpoint(std::string_view base_url) {
  const auto bad = [&](const char* why) {
    return fail(ErrorCode::kBadRequest,
                "'" + std::string(base_url) + "' is no address of a daemon: " + why +
                    "; right are 'http://127.0.0.1:8000' or 'unix:/run/berth/berth.sock'");
  };
  Endpoint endpoint;
  endpoint.url = base_url;
  if (base_url.starts_with("unix:")) {
    endpoint.path = base_url.substr(5);
    if (endpoint.path.starts_with("//")) endpoint.path.erase(0, 2);  // unix:///path
    if (!endpoint.path.starts_with('/')) return bad("the path of the socket must be absolute");
    if (endpoint.path.size() >= sizeof(sockaddr_un::sun_path))
      return bad("the path of the socket is too long");
    endpoint.host_field = "localhost";
    return endpoint;
  }
  std::string_view rest = base_url;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.find("://") != std::string_view::npos) {
    return bad("the daemon speaks http only");
  } else {
    endpoint.url = "http://" + endpoint.url;
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ ") != std::string_view::npos)
    return bad("it must be a host and a port");
  endpoint.host_field = rest;
  std::string_view port;
  if (rest.front() == '[') {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return bad("a bracket is missing");
    endpoint.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (!port.empty() && port.front() != ':') return bad("it must be a host and a port");
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const auto colon = std::min(rest.find(':'), rest.size());
    endpoint.host = rest.substr(0, colon);
    if (colon < rest.size()) port = rest.substr(colon + 1);
  }
  endpoint.port = port.empty() ? "80" : std::string(port);
  const auto number = base::parse_number(endpoint.port);
  if (endpoint.host.empty() || !number || *number < 1 || *number > 65535)
    return bad("it must be a host and a port");
  return endpoint;
}

Result<Fd> open_socket(const Endpoint& endpoint, Deadline deadline) {
  if (!endpoint.path.empty()) return open_unix(endpoint, deadline);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  // The daemon's usual addresses need no resolver, whose start-up costs more than the request.
  std::vector<std::string> names{endpoint.host};
  if (endpoint.host == "localhost") names = {"127.0.0.1", "::1"};
  int error = ECONNREFUSED;
  for (const auto& name : names) {
    addrinfo* raw = nullptr;
    int code = ::getaddrinfo(name.c_str(), endpoint.port.c_str(), &hints, &raw);
    if (code == EAI_NONAME) {
      hints.ai_flags = AI_NUMERICSERV;
      code = ::getaddrinfo(name.c_str(), endpoint.port.c_str(), &hints, &raw);
    }
    if (code != 0) return fail(not_reachable(endpoint, ::gai_strerror(code)));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
    for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
      Fd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      const int result = connect_to(fd, at->ai_addr, at->ai_addrlen, deadline);
      if (result == 0) {
        const int on = 1;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return fd;
      }
      if (error == ECONNREFUSED) error = result;
    }
  }
  return fail(not_reachable(endpoint, std::strerror(error)));
}

Status send_all(const Endpoint& endpoint, int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (const int code = wait_for(fd, POLLOUT, deadline); code != 0) {
        return fail(not_reachable(endpoint, std::strerror(code)));
      }
    } else if (errno != EINTR) {
      return fail(not_reachable(endpoint, std::strerror(errno)));
    }
  }
  return {};
}

Result<std::size_t> receive(const Endpoint& endpoint, int fd, char* buffer, std::size_t size,
                            Deadline deadline) {
  for (;;) {
    const ssize_t got = ::recv(fd, buffer, size, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(not_reachable(endpoint, std::strerror(errno)));
    if (const int code = wait_for(fd, POLLIN, deadline); code == ETIMEDOUT) {
      return fail(not_reachable(endpoint, "it does not answer in time"));
    } else if (code != 0) {
      return fail(not_reachable(endpoint, std::strerror(code)));
    }
  }
}

bool is_stale(int fd) {
  pollfd entry{fd, POLLIN | POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) != 0;
}

}  // namespace berth::http
