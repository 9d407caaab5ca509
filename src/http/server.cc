// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <utility>

#include "base/log.h"
#include "http/connection.h"
#include "http/listener.h"

namespace berth::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kTurnedAway = 64;  // beyond max_connections: so many are told why

// A descriptor for everything else the daemon opens.
std::size_t clamp_to_descriptors(std::size_t wanted) {
  constexpr rlim_t kReserve = 256;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const rlim_t usable =
      limit.rlim_cur > 2 * kReserve ? limit.rlim_cur - kReserve : limit.rlim_cur / 2;
  return std::min(wanted, static_cast<std::size_t>(usable));
}

// Waits for one listening socket and hands its clients on.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(std::shared_ptr<Connections> all, ListeningSocket socket, std::size_t limit)
      : all_(std::move(all)),
        socket_(std::move(socket)),
        limit_(limit),
        descriptor_(
            std::make_unique<asio::posix::stream_descriptor>(all_->loop(), socket_.fd.get())),
        pause_(std::make_unique<asio::steady_timer>(all_->loop())) {}
  ~Acceptor() { close(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  [[nodiscard]] const std::string& address() const { return socket_.address; }

  void wait() {
    descriptor_->async_wait(asio::posix::stream_descriptor::wait_read,
                            [weak = weak_from_this()](const error_code& ec) {
                              const auto self = weak.lock();
                              if (!ec && self && self->descriptor_) self->accept();
                            });
  }

  void close() {
    pause_.reset();
    if (!descriptor_) return;
    descriptor_->release();  // the descriptor is socket_'s
    descriptor_.reset();
    remove_socket_file(socket_);
    socket_.fd.reset();
  }

 private:
  void accept() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      Accepted accepted = accept_one(socket_);
      if (accepted.error == EAGAIN) break;
      if (accepted.error == EMFILE || accepted.error == ENFILE || accepted.error == ENOMEM ||
          accepted.error == ENOBUFS) {
        return pause(accepted.error);
      }
      if (accepted.error != 0) continue;  // that client is gone already (ECONNABORTED and its like)
      exhausted_ = false;
      begin(std::move(accepted));
    }
    wait();
  }

  // Waiting at once would spin: the client stays in the queue and the socket readable.
  void pause(int error) {
    if (!std::exchange(exhausted_, true)) {
      base::log_warning("no connection can be accepted for now",
                        {{"address", socket_.address}, {"errno", std::to_string(error)}});
    }
    pause_->expires_after(kAcceptPause);
    pause_->async_wait([weak = weak_from_this()](const error_code& ec) {
      const auto self = weak.lock();
      if (!ec && self && self->descriptor_) self->accept();
    });
  }

  void begin(Accepted accepted) {
    ServerCounters& counters = all_->counters();
    const bool full = all_->size() >= limit_;
    if (full) {
      ++counters.connections_refused;
      if (all_->size() >= limit_ + kTurnedAway) return;
    } else {
      ++counters.connections_accepted;
    }
    try {
      Socket socket(all_->loop(), asio::generic::stream_protocol(accepted.family, 0),
                    accepted.fd.get());
      static_cast<void>(accepted.fd.release());  // the socket owns it now
      socket.native_non_blocking(true);
      auto connection =
          std::make_shared<Connection>(all_, std::move(socket), std::move(accepted.peer));
      if (full) {
        connection->turn_away(
            error_response(503, "too many connections (" + std::to_string(limit_) + ")"));
      } else {
        connection->start();
      }
    } catch (const std::exception& error) {
      base::log_warning("a connection could not be set up", {{"what", error.what()}});
    }
  }

  std::shared_ptr<Connections> all_;
  ListeningSocket socket_;
  std::size_t limit_;
  std::unique_ptr<asio::posix::stream_descriptor> descriptor_;
  std::unique_ptr<asio::steady_timer> pause_;
  bool exhausted_ = false;
};

}  // namespace

class Server::Listeners {
 public:
  std::shared_ptr<Connections> all;
  std::vector<std::shared_ptr<Acceptor>> acceptors;
};

Server::Server(std::unique_ptr<Listeners> listeners) : listeners_(std::move(listeners)) {}

Server::~Server() {
  for (const auto& acceptor : listeners_->acceptors) acceptor->close();
  listeners_->all->close_all();
}

base::Result<std::unique_ptr<Server>> Server::create(asio::io_context& loop, ServerOptions options,
                                                     Router router) {
  std::vector<ListeningSocket> sockets;
  for (const auto& text : options.listen) {
    auto opened = open_listener(text, options.unix_mode);
    if (!opened) {
      for (const auto& socket : sockets) remove_socket_file(socket);
      return base::fail(std::move(opened.error()));
    }
    for (auto& socket : *opened) sockets.push_back(std::move(socket));
  }
  const std::size_t limit = clamp_to_descriptors(options.max_connections);
  try {
    auto listeners = std::make_unique<Listeners>();
    listeners->all = std::make_shared<Connections>(loop, std::move(options), std::move(router));
    for (auto& socket : sockets) {
      listeners->acceptors.push_back(
          std::make_shared<Acceptor>(listeners->all, std::move(socket), limit));
      listeners->acceptors.back()->wait();
    }
    return std::unique_ptr<Server>(new Server(std::move(listeners)));
  } catch (const std::exception& error) {
    return base::fail(base::ErrorCode::kIoError,
                      std::string("cannot start the HTTP server: ") + error.what());
  }
}

std::vector<std::string> Server::bound_addresses() const {
  std::vector<std::string> addresses;
  for (const auto& acceptor : listeners_->acceptors) addresses.push_back(acceptor->address());
  return addresses;
}

ServerCounters Server::counters() const { return listeners_->all->counters(); }

void Server::set_token(std::string token) { listeners_->all->guard().set_token(std::move(token)); }

void Server::stop(std::chrono::milliseconds deadline, std::function<void()> on_stopped) {
  for (const auto& acceptor : listeners_->acceptors) acceptor->close();
  listeners_->all->stop(deadline, std::move(on_stopped));
}

}  // namespace berth::http
