// SPDX-License-Identifier: Apache-2.0
#include "http/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace berth::http {

using base::ErrorCode;
using base::fail;
using base::Fd;
using base::Result;

namespace {

constexpr int kBacklog = 4096;  // the kernel takes net.core.somaxconn when that is less

constexpr std::string_view kUnix = "unix:";

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_storage storage;
};

std::string to_text(const Address& address) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address.any.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(address.v6.sin6_port));
  }
  inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(address.v4.sin_port));
}

bool is_loopback(const Address& address) {
  if (address.any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
  return (ntohl(address.v4.sin_addr.s_addr) >> 24) == 127;
}

base::Error cannot_listen(const std::string& address, int error) {
  std::string text = "cannot listen on " + address + ": ";
  if (error == EADDRINUSE) {
    text +=
        "the address is in use. Stop the program that holds it ('ss -ltnp' names it) or choose "
        "another with "
        "'listen' in the configuration";
  } else if (error == EACCES) {
    text +=
        "permission denied. Ports below 1024 and other users' directories need more rights; choose "
        "another "
        "with 'listen' in the configuration";
  } else if (error == EADDRNOTAVAIL) {
    text += "this machine has no such address";
  } else {
    text += std::strerror(error);
  }
  return {ErrorCode::kIoError, text, {{"errno", std::to_string(error)}, {"address", address}}};
}

Result<ListeningSocket> listen_tcp(const Address& address, socklen_t size) {
  ListeningSocket result;
  result.fd = Fd(::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = result.fd.get();
  const int on = 1;
  if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd >= 0 && address.any.sa_family == AF_INET6)
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (fd < 0 || ::bind(fd, &address.any, size) != 0 || ::listen(fd, kBacklog) != 0) {
    return fail(cannot_listen(to_text(address), errno));
  }
  Address bound{};
  socklen_t bound_size = sizeof bound;
  ::getsockname(fd, &bound.any, &bound_size);
  result.address = to_text(bound);
  result.loopback = is_loopback(bound);
  return result;
}

struct Resolved {
  Address address;
  socklen_t size = 0;
};

// The addresses that a TCP listener's text stands for; "localhost" is both families.
Result<std::vector<Resolved>> resolve(const std::string& text) {
  const auto bad = [&](const std::string& why) {
    return fail(ErrorCode::kBadRequest,
                "cannot listen on '" + text + "': " + why +
                    "; right are '127.0.0.1:8000', '[::1]:8000' or 'unix:/path'");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return bad("it has no port");
  std::string host = text.substr(0, colon);
  const auto port = base::parse_number(text.substr(colon + 1));
  if (!port || *port > 65535) return bad("'" + text.substr(colon + 1) + "' is no port");
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (host.empty()) return bad("it has no address before the port");

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  std::vector<std::string> hosts{host};
  if (host == "localhost") hosts = {"127.0.0.1", "::1"};  // not what /etc/hosts makes of it
  std::vector<Resolved> addresses;
  for (const auto& name : hosts) {
    addrinfo* raw = nullptr;
    const int code = ::getaddrinfo(name.c_str(), std::to_string(*port).c_str(), &hints, &raw);
    if (code != 0) return bad("'" + name + "': " + ::gai_strerror(code));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
    Resolved resolved{{}, found->ai_addrlen};
    std::memcpy(&resolved.address, found->ai_addr, found->ai_addrlen);
    addresses.push_back(resolved);
  }
  return addresses;
}

void set_port(Address& address, in_port_t port) {
  (address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port) = port;
}

in_port_t port_of(const Address& address) {
  return address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port;
}

Result<std::vector<ListeningSocket>> open_tcp(const std::string& text) {
  auto addresses = resolve(text);
  if (!addresses) return fail(addresses.error());
  std::vector<ListeningSocket> sockets;
  for (auto& [address, size] : *addresses) {
    if (!sockets.empty()) {  // port 0: the same for both families
      Address first{};
      socklen_t first_size = sizeof first;
      ::getsockname(sockets.front().fd.get(), &first.any, &first_size);
      set_port(address, port_of(first));
    }
    auto socket = listen_tcp(address, size);
    if (!socket) {
      // A machine without IPv6 still has its localhost.
      const std::string& number = socket.error().context.front().second;
      const bool no_ipv6 =
          number == std::to_string(EADDRNOTAVAIL) || number == std::to_string(EAFNOSUPPORT);
      if (!sockets.empty() && no_ipv6) break;
      return fail(std::move(socket.error()));
    }
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

Result<std::vector<ListeningSocket>> open_unix(const std::string& path, int mode) {
  const std::string name = "unix:" + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.front() != '/' || path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::kBadRequest, "cannot listen on '" + name +
                                            "': the path must be absolute and shorter than " +
                                            std::to_string(sizeof address.sun_path) + " bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);

  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) {
      return fail(ErrorCode::kIoError,
                  "cannot listen on " + name + ": the file exists and is no socket");
    }
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!probe.valid()) return fail(cannot_listen(name, errno));
    const bool served = ::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN;
    if (served) return fail(cannot_listen(name, EADDRINUSE));
    if (errno != ECONNREFUSED) return fail(cannot_listen(name, errno));
    ::unlink(path.c_str());  // left behind by a daemon that was killed
  }

  ListeningSocket result;
  result.fd = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!result.fd.valid() || ::bind(result.fd.get(), generic, sizeof address) != 0 ||
      ::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0 ||
      ::listen(result.fd.get(), kBacklog) != 0) {
    return fail(cannot_listen(name, errno));
  }
  if (::lstat(path.c_str(), &status) == 0) {
    result.device = status.st_dev;
    result.inode = status.st_ino;
  }
  result.address = name;
  result.unix_socket = true;
  result.path = path;
  std::vector<ListeningSocket> sockets;
  sockets.push_back(std::move(result));
  return sockets;
}

}  // namespace

Result<bool> stays_local(const std::string& text) {
  if (text.starts_with(kUnix)) return true;
  const auto addresses = resolve(text);
  if (!addresses) return fail(addresses.error());
  return std::all_of(addresses->begin(), addresses->end(),
                     [](const Resolved& entry) { return is_loopback(entry.address); });
}

Result<std::vector<ListeningSocket>> open_listener(const std::string& text, int unix_mode) {
  if (text.starts_with(kUnix)) return open_unix(text.substr(kUnix.size()), unix_mode);
  return open_tcp(text);
}

void remove_socket_file(const ListeningSocket& socket) {
  struct stat status{};
  if (socket.path.empty() || ::lstat(socket.path.c_str(), &status) != 0) return;
  if (status.st_dev == socket.device && status.st_ino == socket.inode)
    ::unlink(socket.path.c_str());
}

Accepted accept_one(const ListeningSocket& socket) {
  Accepted result;
  Address address{};
  socklen_t size = sizeof address;
  do {
    size = sizeof address;
    result.fd = Fd(::accept4(socket.fd.get(), &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  } while (!result.fd.valid() && errno == EINTR);
  if (!result.fd.valid()) {
    result.error = errno;
    return result;
  }
  const int fd = result.fd.get();
  result.peer.loopback = socket.loopback;
  if (socket.unix_socket) {
    result.family = AF_UNIX;
    result.peer.unix_socket = true;
    result.peer.address = "unix";
    ucred who{};
    socklen_t who_size = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) == 0) {
      result.peer.uid = who.uid;
      result.peer.gid = who.gid;
      result.peer.pid = who.pid;
    }
    return result;
  }
  result.family = address.any.sa_family;
  result.peer.address = to_text(address);
  const int on = 1;
  const int idle_seconds = 60;  // finds clients whose machine is gone while nothing is sent
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  return result;
}

}  // namespace berth::http
