// SPDX-License-Identifier: Apache-2.0
// A real server on its own thread and a bare socket to talk to it with.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "http/client_socket.h"
#include "http/server.h"

namespace berth::http::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline Deadline in(milliseconds time) { return std::chrono::steady_clock::now() + time; }
inline constexpr seconds kPatience{20};

class TestServer {
 public:
  explicit TestServer(Router router, ServerOptions options = quick())
      : work_(loop_.get_executor()) {
    auto server = Server::create(loop_, std::move(options), std::move(router));
    if (!server) ADD_FAILURE() << server.error().message;
    server_ = std::move(*server);
    addresses_ = server_->bound_addresses();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~TestServer() {
    on_loop([this] { server_.reset(); });
    work_.reset();
    loop_.stop();
    thread_.join();
  }

  static ServerOptions quick() {
    ServerOptions options;
    options.listen = {"127.0.0.1:0"};
    options.token = "secret-token";
    return options;
  }

  /// "127.0.0.1:12345"
  [[nodiscard]] const std::string& address(std::size_t i = 0) const { return addresses_.at(i); }

  /// Runs `action` on the loop's thread and waits for it.
  void on_loop(const std::function<void()>& action) {
    std::promise<void> done;
    boost::asio::post(loop_, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }
  ServerCounters counters() {
    ServerCounters result;
    on_loop([&] { result = server_->counters(); });
    return result;
  }
  /// Looks again and again, for at most kPatience.
  bool until(const std::function<bool()>& condition) {
    const auto last = in(kPatience);
    bool met = false;
    while (!met && std::chrono::steady_clock::now() < last) {
      on_loop([&] { met = condition(); });
      if (!met) std::this_thread::yield();
    }
    return met;
  }
  Server& server() { return *server_; }
  boost::asio::io_context& loop() { return loop_; }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::unique_ptr<Server> server_;
  std::vector<std::string> addresses_;
  std::thread thread_;
};

/// A client that sends exactly what it is told to.
class Wire {
 public:
  explicit Wire(const std::string& address) {
    auto endpoint = parse_endpoint(address);
    EXPECT_TRUE(endpoint.has_value());
    endpoint_ = *endpoint;
    auto fd = open_socket(endpoint_, in(kPatience));
    if (!fd) ADD_FAILURE() << fd.error().message;
    fd_ = std::move(*fd);
  }
  bool send(std::string_view bytes) {
    return send_all(endpoint_, fd_.get(), bytes, in(kPatience)).has_value();
  }
  /// Reads until `text` has come; "" is until the end of input. Returns all that came since the
  /// last call.
  std::string read_until(std::string_view text) {
    while (text.empty() || input_.find(text) == std::string::npos) {
      if (!read_some()) break;
    }
    const auto found = text.empty() ? std::string::npos : input_.find(text);
    const auto end = found == std::string::npos ? input_.size() : found + text.size();
    std::string result = input_.substr(0, end);
    input_.erase(0, end);
    return result;
  }
  /// One answer with a Content-Length.
  std::string read_answer() {
    std::string head = read_until("\r\n\r\n");
    const auto at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    const auto size = static_cast<std::size_t>(std::stoul(head.substr(at + 16)));
    while (input_.size() < size && read_some()) {
    }
    head += input_.substr(0, size);
    input_.erase(0, size);
    return head;
  }
  bool at_end() { return input_.empty() && !read_some(); }
  void close() { fd_.reset(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool read_some() {
    char buffer[65536];
    const auto got = receive(endpoint_, fd_.get(), buffer, sizeof buffer, in(kPatience));
    if (!got || *got == 0) return false;
    input_.append(buffer, *got);
    return true;
  }
  Endpoint endpoint_;
  base::Fd fd_;
  std::string input_;
};

inline int status_of(std::string_view answer) {
  return answer.size() > 12 && answer.starts_with("HTTP/1.1 ")
             ? std::stoi(std::string(answer.substr(9, 3)))
             : -1;
}

inline Handler text(std::string body) {
  return [body = std::move(body)](const Request&, Exchange exchange) {
    exchange.respond(Response{200, "application/json", body, {}});
  };
}

inline Handler echo() {
  return [](const Request& request, Exchange exchange) {
    exchange.respond(Response{200, "application/json", request.body, {}});
  };
}

}  // namespace berth::http::test
