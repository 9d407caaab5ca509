// SPDX-License-Identifier: Apache-2.0
// One client's socket: reads a request, has it checked and handled, sends the answer, begins
// again. One request at a time; a client's next request waits in the buffer.
//
// Lives as long as an operation on its socket, an Exchange or a Stream holds it. After close_now()
// it is inert: the socket is gone and whatever is still called does nothing.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/connections.h"
#include "http/exchange.h"
#include "http/request_parser.h"
#include "http/stream.h"

namespace berth::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                boost::asio::io_context::executor_type>;

inline constexpr std::size_t kFirstReadBuffer = 4096;

class Connection final : public AnswerSink, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Connections> all, Socket socket, Peer peer);
  ~Connection() override;

  /// Begins to read.
  void start();
  /// Answers before anything is read, then ends.
  void turn_away(Response response);

  void tick(SteadyTime now);
  /// Ends when the answer in progress is sent; at once when there is none.
  void stop();
  void close_now();
  /// Sends what the stream has; ends the answer when it is closing and empty.
  void flush_stream();

  void respond(Response response) override;
  std::shared_ptr<StreamSink> start_stream(int status, std::string content_type, HeaderList headers,
                                           bool events) override;
  void abandon() override;

  std::size_t place = 0;  // in Connections

 private:
  enum class State { kReading, kHandling, kSending, kStreaming, kLingering, kClosed };

  void process();
  void read_more();
  void on_read(const boost::system::error_code& ec, std::size_t size);
  void dispatch();
  std::optional<Response> check();
  void refuse(Response response);

  void begin_head(int status, std::string_view content_type, const HeaderList& headers);
  void send();
  void on_sent(const boost::system::error_code& ec, std::size_t size);
  void finish_answer();
  void linger();
  [[nodiscard]] SteadyTime after(std::chrono::milliseconds time) const;

  std::shared_ptr<Connections> all_;
  std::unique_ptr<Socket> socket_;  // null once closed
  State state_ = State::kReading;

  std::vector<char> buffer_;  // [begin_, end_) is read and not yet parsed
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool read_pending_ = false;
  bool end_of_input_ = false;
  bool request_begun_ = false;

  Request request_;
  RequestParser parser_;
  const Route* route_ = nullptr;
  std::string cors_origin_;
  bool in_handler_ = false;
  bool abandoned_ = false;

  std::string head_;
  std::string body_;
  std::size_t sent_ = 0;
  bool write_pending_ = false;
  bool keep_ = true;

  std::shared_ptr<Stream> stream_;
  bool heartbeats_ = false;
  SteadyTime last_sent_;
  SteadyTime deadline_;
};

}  // namespace berth::http
