// SPDX-License-Identifier: Apache-2.0
// A load generator: keep-alive connections, one request under way on each, one thread.
//   bench-load PORT CONNECTIONS REQUESTS RATE METHOD PATH [TOKEN [BODY [FIRST [NUMBERS]]]]
// In PATH and BODY every "#" becomes the request's number, from FIRST (0) on; with NUMBERS it
// starts again after so many. RATE in requests per second, 0: as fast as they are answered. At a
// rate the time of an answer counts from when its request was due, so that a stall shows in all
// that it held up. Prints {"requests", "seconds", "not_200", "p50_ms", "p99_ms", "worst_ms"}.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/json.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Wanted {
  int port = 0;
  std::size_t connections = 1;
  std::size_t requests = 0;
  double rate = 0;
  std::string method, path, token, body;
  std::size_t first = 0, numbers = 0;
};

std::string with_number(const std::string& pattern, std::size_t number) {
  std::string text;
  for (const char c : pattern) {
    if (c == '#') {
      text += std::to_string(number);
    } else {
      text += c;
    }
  }
  return text;
}

std::string request_text(const Wanted& wanted, std::size_t index) {
  const std::size_t number = wanted.first + (wanted.numbers > 0 ? index % wanted.numbers : index);
  std::string text = wanted.method + " " + with_number(wanted.path, number) +
                     " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(wanted.port) + "\r\n";
  if (!wanted.token.empty()) text += "Authorization: Bearer " + wanted.token + "\r\n";
  if (wanted.body.empty()) return text + "\r\n";
  const std::string body = with_number(wanted.body, number);
  return text + "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// How long the answer at the start of `text` is, once its head is there. A head without a length
// has no body.
std::optional<std::size_t> answer_size(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const auto length = text.find(kName);
  std::size_t body = 0;
  if (length < end) {
    std::from_chars(text.data() + length + kName.size(), text.data() + end, body);
  }
  return end + 4 + body;
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Connection {
  berth::base::Fd socket;
  std::string answer;
  Clock::time_point due;
  bool busy = false;
};

class Load {
 public:
  explicit Load(const Wanted& wanted) : wanted_(wanted), connections_(wanted.connections) {
    for (std::size_t i = 0; i < connections_.size(); ++i) connect(i);
  }

  void run() {
    begin_ = Clock::now();
    while (took_.size() < wanted_.requests) {
      for (auto& connection : connections_) {
        if (!connection.busy && !send_next(connection)) break;
      }
      wait();
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - begin_).count();
  }

  void report() {
    std::sort(took_.begin(), took_.end());
    const auto at = [&](double share) {
      return took_[static_cast<std::size_t>(share * static_cast<double>(took_.size() - 1))];
    };
    std::printf("%s\n", berth::base::to_text(berth::base::json::object{{"requests", took_.size()},
                                                                       {"seconds", seconds_},
                                                                       {"not_200", not_200_},
                                                                       {"p50_ms", at(0.5)},
                                                                       {"p99_ms", at(0.99)},
                                                                       {"worst_ms", took_.back()}})
                            .c_str());
  }

 private:
  void connect(std::size_t i) {
    auto& socket = connections_[i].socket;
    socket = berth::base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(wanted_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      die("bench-load: connect");
    }
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0)
      die("bench-load: epoll");
  }

  // When the next request is to be sent.
  [[nodiscard]] Clock::time_point due(Clock::time_point now) const {
    if (wanted_.rate <= 0) return now;
    return begin_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(static_cast<double>(sent_) / wanted_.rate));
  }

  // False when there is none to send now.
  bool send_next(Connection& connection) {
    const auto now = Clock::now();
    if (sent_ == wanted_.requests || due(now) > now) return false;
    connection.due = due(now);
    connection.busy = true;
    const std::string text = request_text(wanted_, sent_++);
    // Small enough for the socket's buffer, which is empty.
    if (::send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(text.size())) {
      die("bench-load: send");
    }
    return true;
  }

  void wait() {
    timespec limit{10, 0};
    if (wanted_.rate > 0 && sent_ < wanted_.requests) {
      const auto now = Clock::now();
      const auto left = std::max<Clock::duration>(due(now) - now, {});
      limit = {left / std::chrono::seconds(1),
               (left % std::chrono::seconds(1)) / std::chrono::nanoseconds(1)};
      const bool all_busy = std::all_of(connections_.begin(), connections_.end(),
                                        [](const auto& one) { return one.busy; });
      if (all_busy) limit = {10, 0};
    }
    epoll_event events[64];
    const int count = ::epoll_pwait2(poll_.get(), events, 64, &limit, nullptr);
    if (count < 0) die("bench-load: wait");
    for (int i = 0; i < count; ++i) read(connections_[events[i].data.u64]);
  }

  void read(Connection& connection) {
    char buffer[16384];
    const ssize_t got = ::recv(connection.socket.get(), buffer, sizeof buffer, 0);
    if (got <= 0) die("bench-load: the server closed a connection");
    connection.answer.append(buffer, static_cast<std::size_t>(got));
    const auto size = answer_size(connection.answer);
    if (!size || connection.answer.size() < *size) return;
    not_200_ += connection.answer.starts_with("HTTP/1.1 200") ? 0 : 1;
    took_.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - connection.due).count());
    connection.answer.clear();
    connection.busy = false;
  }

  const Wanted& wanted_;
  berth::base::Fd poll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<Connection> connections_;
  Clock::time_point begin_;
  double seconds_ = 0;
  std::size_t sent_ = 0;
  std::size_t not_200_ = 0;
  std::vector<double> took_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr,
                 "usage: bench-load PORT CONNECTIONS REQUESTS RATE METHOD PATH [TOKEN [BODY [FIRST "
                 "[NUMBERS]]]]\n");
    return 2;
  }
  const auto text = [&](int i) { return std::string(i < argc ? argv[i] : ""); };
  const auto number = [&](int i) { return std::strtoul(text(i).c_str(), nullptr, 10); };
  const Wanted wanted{static_cast<int>(number(1)),
                      number(2),
                      number(3),
                      std::strtod(argv[4], nullptr),
                      text(5),
                      text(6),
                      text(7),
                      text(8),
                      number(9),
                      number(10)};
  Load load(wanted);
  load.run();
  load.report();
}
