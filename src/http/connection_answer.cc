// SPDX-License-Identifier: Apache-2.0
// The half of a connection that answers; connection.cc is the half that reads.
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <charconv>
#include <utility>

#include "http/connection.h"
#include "http/reason.h"

namespace berth::http {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kKept = 32U << 10;  // a connection that waits keeps no larger block of memory
constexpr milliseconds kLinger{2000};

// No field of an answer can end its line: what a handler copies from a request stays one field.
void append_field(std::string& head, std::string_view name, std::string_view value) {
  const auto ends_line = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  const auto clean = [&](std::string_view text) {
    const auto from = static_cast<std::ptrdiff_t>(head.size());
    head += text;
    std::replace_if(head.begin() + from, head.end(), ends_line, ' ');
  };
  clean(name);
  head += ": ";
  clean(value);
  head += "\r\n";
}

void append_number(std::string& text, std::size_t number) {
  char digits[20];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

void Connection::begin_head(int status, std::string_view content_type, const HeaderList& headers) {
  if (all_->stopping() || end_of_input_) keep_ = false;
  head_.clear();
  head_ += "HTTP/1.1 ";
  append_number(head_, static_cast<std::size_t>(status));
  head_ += ' ';
  head_ += reason(status);
  head_ += "\r\nServer: berth\r\nX-Content-Type-Options: nosniff\r\n";
  if (!content_type.empty()) append_field(head_, "Content-Type", content_type);
  for (const auto& [name, value] : headers) append_field(head_, name, value);
  if (!cors_origin_.empty()) {
    append_field(head_, "Access-Control-Allow-Origin", cors_origin_);
    head_ += "Vary: Origin\r\n";
  }
}

void Connection::respond(Response response) {
  if (state_ != State::kHandling) return;
  if (response.status >= 400 && all_->options().on_error)
    all_->options().on_error(request_, response);
  const bool bodyless = response.status == 204 || response.status == 304;
  begin_head(response.status, bodyless ? std::string_view{} : response.content_type,
             response.headers);
  if (!bodyless) {
    head_ += "Content-Length: ";
    append_number(head_, response.body.size());
    head_ += "\r\n";
  }
  if (!keep_) {
    head_ += "Connection: close\r\n";
  } else if (parser_.http_1_0()) {
    head_ += "Connection: keep-alive\r\n";
  }
  head_ += "\r\n";
  body_.clear();
  if (!bodyless && request_.method != "HEAD") body_ = std::move(response.body);
  state_ = State::kSending;
  sent_ = 0;
  deadline_ = after(all_->options().write_timeout);
  send();
}

std::shared_ptr<StreamSink> Connection::start_stream(int status, std::string content_type,
                                                     HeaderList headers, bool events) {
  const auto executor = all_->loop().get_executor();
  if (state_ != State::kHandling || end_of_input_ || request_.method == "HEAD") {
    if (state_ == State::kHandling && request_.method == "HEAD") {
      respond(Response{status, std::move(content_type), {}, std::move(headers)});
    } else if (state_ == State::kHandling) {
      close_now();
    }
    return std::make_shared<Stream>(executor, nullptr, Stream::Form{});
  }
  const bool chunked = !parser_.http_1_0();
  if (!chunked) keep_ = false;
  begin_head(status, content_type, headers);
  if (chunked) head_ += "Transfer-Encoding: chunked\r\n";
  head_ += keep_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  body_.clear();
  stream_ = std::make_shared<Stream>(
      executor, shared_from_this(),
      Stream::Form{chunked, all_->options().stream_buffer, all_->options().stream_limit});
  ++all_->counters().streams;
  heartbeats_ = events;
  state_ = State::kStreaming;
  sent_ = 0;
  send();
  if (!in_handler_) read_more();
  return stream_;
}

void Connection::flush_stream() {
  if (state_ != State::kStreaming) return;
  if (stream_->closing()) deadline_ = after(all_->options().write_timeout);
  if (write_pending_) return;
  const auto stream = stream_;
  if (stream->take(head_)) {
    sent_ = 0;
    send();
  } else if (stream->closing()) {
    stream_ = nullptr;
    --all_->counters().streams;
    stream->detach();
    finish_answer();
  }
}

void Connection::send() {
  const std::size_t from_head = std::min(sent_, head_.size());
  const std::size_t from_body = sent_ - from_head;
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(head_) + from_head,
                                                  asio::buffer(body_) + from_body};
  write_pending_ = true;
  socket_->async_write_some(buffers,
                            [self = shared_from_this()](const error_code& ec, std::size_t size) {
                              self->on_sent(ec, size);
                            });
}

void Connection::on_sent(const error_code& ec, std::size_t size) {
  write_pending_ = false;
  if (state_ == State::kClosed) return;
  if (ec) return close_now();
  sent_ += size;
  last_sent_ = std::chrono::steady_clock::now();
  if (sent_ < head_.size() + body_.size()) {
    deadline_ = last_sent_ + all_->options().write_timeout;
    return send();
  }
  if (state_ == State::kStreaming) {
    const auto stream = stream_;
    stream->sent();
    flush_stream();
  } else {
    finish_answer();
  }
}

void Connection::finish_answer() {
  if (!keep_ || end_of_input_ || all_->stopping()) return linger();
  parser_.reset();
  cors_origin_.clear();
  if (body_.capacity() > kKept) body_ = {};
  if (head_.capacity() > kKept) head_ = {};
  if (buffer_.size() > kKept && begin_ == end_ && !read_pending_) {
    begin_ = end_ = 0;
    buffer_ = std::vector<char>(kFirstReadBuffer);
  }
  route_ = nullptr;
  request_begun_ = false;
  state_ = State::kReading;
  deadline_ = after(all_->options().idle_timeout);
  process();
}

// The client must read the answer before the socket is closed: closing with unread input would
// reset the connection and may destroy the answer on its way.
void Connection::linger() {
  if (end_of_input_) return close_now();
  error_code ignored;
  socket_->shutdown(Socket::shutdown_send, ignored);
  state_ = State::kLingering;
  deadline_ = after(kLinger);
  begin_ = end_ = read_pending_ ? end_ : 0;
  read_more();
}

}  // namespace berth::http
