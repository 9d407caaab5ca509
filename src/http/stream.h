// SPDX-License-Identifier: Apache-2.0
// The buffer between a producer and a connection that answers with a stream. The connection takes
// batches out of it; neither outlives the stream's end in the other.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"

namespace berth::http {

class Connection;

class Stream final : public StreamSink, public std::enable_shared_from_this<Stream> {
 public:
  struct Form {
    bool chunked = true;  // HTTP/1.1; else the end of the connection is the end of the answer
    std::size_t soft_limit = 0;
    std::size_t hard_limit = 0;
  };
  Stream(boost::asio::io_context::executor_type executor, std::shared_ptr<Connection> connection,
         Form form);

  [[nodiscard]] bool open() const override { return connection_ != nullptr && !closing_; }
  [[nodiscard]] std::size_t buffered() const override { return pending_.size() + in_flight_; }
  [[nodiscard]] bool writable() const override { return open() && buffered() < form_.soft_limit; }
  bool write(std::string bytes, std::function<void()> on_drained) override;
  void close() override;
  void on_closed(std::function<void()> callback) override;

  // For the connection.

  /// Moves what waits into `batch` (whose content is replaced); false when nothing does.
  bool take(std::string& batch);
  /// The batch is sent: runs the callbacks of the writes in it.
  void sent();
  /// The server's own bytes, not counted against the producer's limits.
  void append(std::string_view bytes) { frame(bytes); }
  /// Ends the stream as close() does, but tells the producer.
  void end_by_server();
  /// The connection is gone or the answer complete.
  void detach();
  [[nodiscard]] bool closing() const { return closing_; }

 private:
  void frame(std::string_view bytes);
  void tell_closed();

  boost::asio::io_context::executor_type executor_;
  std::shared_ptr<Connection> connection_;
  Form form_;
  std::string pending_;
  std::size_t in_flight_ = 0;
  std::vector<std::function<void()>> pending_callbacks_;
  std::vector<std::function<void()>> in_flight_callbacks_;
  std::function<void()> on_closed_;
  bool closing_ = false;
  bool closed_by_producer_ = false;
};

}  // namespace berth::http
