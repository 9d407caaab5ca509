// SPDX-License-Identifier: Apache-2.0
// What all connections of one server share, and the one clock tick that enforces their deadlines.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "http/guard.h"
#include "http/router.h"
#include "http/server.h"

namespace berth::http {

class Connection;
using SteadyTime = std::chrono::steady_clock::time_point;

class Connections : public std::enable_shared_from_this<Connections> {
 public:
  Connections(boost::asio::io_context& loop, ServerOptions options, Router router);

  [[nodiscard]] const ServerOptions& options() const { return options_; }
  [[nodiscard]] const Router& router() const { return router_; }
  [[nodiscard]] Guard& guard() { return guard_; }
  [[nodiscard]] ServerCounters& counters() { return counters_; }
  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] std::size_t size() const { return all_.size(); }

  void attach(Connection& connection);
  void detach(Connection& connection);

  void stop(std::chrono::milliseconds deadline, std::function<void()> on_stopped);
  /// Cuts every connection; no timer or callback is left behind.
  void close_all();

 private:
  void arm();
  void tick();
  void tell_stopped();

  boost::asio::io_context& loop_;
  const ServerOptions options_;
  const Router router_;
  Guard guard_;
  ServerCounters counters_;
  std::vector<Connection*> all_;  // a connection knows its place here
  std::optional<boost::asio::steady_timer> timer_;
  std::chrono::milliseconds interval_;
  bool armed_ = false;
  bool stopping_ = false;
  SteadyTime cut_at_ = SteadyTime::max();
  std::function<void()> on_stopped_;
};

}  // namespace berth::http
