// SPDX-License-Identifier: Apache-2.0
#include "http/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <charconv>
#include <cstring>
#include <exception>
#include <utility>

#include "base/id.h"
#include "base/log.h"
#include "http/reason.h"

namespace berth::http {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kBodyBuffer = 64U << 10;
constexpr std::size_t kBodyBytesPerSecond = 16U << 10;  // slower bodies run into read_timeout
constexpr milliseconds kLinger{2000};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// No field of an answer can end its line: what a handler copies from a request stays one field.
void append_field(std::string& head, std::string_view name, std::string_view value) {
  const auto clean = [&head](std::string_view text) {
    for (const char c : text) head += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
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

Connection::Connection(std::shared_ptr<Connections> all, Socket socket, Peer peer)
    : all_(std::move(all)),
      socket_(std::move(socket)),
      buffer_(kFirstBuffer),
      parser_(request_, all_->options().header_limit, all_->options().body_limit) {
  request_.peer = std::move(peer);
  deadline_ = after(all_->options().read_timeout);
  all_->attach(*this);
}

Connection::~Connection() {
  if (state_ != State::kClosed) all_->detach(*this);
}

SteadyTime Connection::after(milliseconds time) const { return std::chrono::steady_clock::now() + time; }

void Connection::start() { read_more(); }

void Connection::turn_away(Response response) {
  keep_ = false;
  refuse(std::move(response));
}

void Connection::close_now() {
  if (state_ == State::kClosed) return;
  const auto self = shared_from_this();
  state_ = State::kClosed;
  socket_.reset();
  all_->detach(*this);
  if (stream_) {
    --all_->counters().streams;
    std::exchange(stream_, nullptr)->detach();
  }
}

void Connection::stop() {
  keep_ = false;
  if (state_ == State::kReading && !request_begun_) close_now();
  if (state_ == State::kStreaming) stream_->end_by_server();
}

void Connection::tick(SteadyTime now) {
  if (state_ == State::kStreaming && !stream_->closing()) {
    if (heartbeats_ && !write_pending_ && now - last_sent_ >= all_->options().heartbeat) {
      stream_->append(": heartbeat\n\n");
      flush_stream();
    }
    return;
  }
  if (state_ == State::kHandling || state_ == State::kClosed) return;
  const auto body_time = std::chrono::seconds(request_.body.size() / kBodyBytesPerSecond);
  if (now < deadline_ + (state_ == State::kReading ? body_time : std::chrono::seconds(0))) return;
  if (state_ == State::kReading && request_begun_) {
    keep_ = false;
    refuse(error_response(408, "the request did not arrive in time"));
  } else {
    close_now();
  }
}

// ---- reading

void Connection::read_more() {
  if (read_pending_ || end_of_input_ || !socket_) return;
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0 && end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (state_ != State::kReading) return;  // a client that sends on while it waits for an answer
    if (buffer_.size() >= std::max(all_->options().header_limit + kFirstBuffer, kBodyBuffer)) {
      keep_ = false;
      refuse(error_response(400, "the request cannot be read: a chunk's header is too long"));
      return;
    }
    buffer_.resize(buffer_.size() * 2);
  }
  read_pending_ = true;
  socket_->async_read_some(
      asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
      [self = shared_from_this()](const error_code& ec, std::size_t size) { self->on_read(ec, size); });
}

void Connection::on_read(const error_code& ec, std::size_t size) {
  read_pending_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kLingering) {
    if (ec) {
      close_now();
    } else {
      begin_ = end_ = 0;
      read_more();
    }
    return;
  }
  if (ec) {
    end_of_input_ = true;
    // A client may shut down its side after asking and still wait for a whole answer, but not for
    // a stream: there the end of input is the only sign that the reader left.
    const bool may_wait = ec == asio::error::eof && (state_ == State::kHandling || state_ == State::kSending);
    if (!may_wait) close_now();
    return;
  }
  end_ += size;
  if (state_ == State::kReading) {
    process();
  } else {
    read_more();
  }
}

void Connection::process() {
  while (state_ == State::kReading) {
    if (!request_begun_ && begin_ != end_) {
      request_begun_ = true;
      deadline_ = after(all_->options().read_timeout);
    }
    std::size_t used = 0;
    const auto outcome = parser_.feed({buffer_.data() + begin_, end_ - begin_}, used);
    begin_ += used;
    switch (outcome) {
      case RequestParser::Outcome::kNeedMore:
        if (end_of_input_) return close_now();
        return read_more();
      case RequestParser::Outcome::kHeader:
        if (auto refusal = check()) {
          if (parser_.has_body()) keep_ = false;  // it is not read
          refuse(std::move(*refusal));
        }
        break;
      case RequestParser::Outcome::kComplete:
        return dispatch();
      case RequestParser::Outcome::kBad:
        keep_ = false;
        return refuse(error_response(400, "the request is not valid HTTP/1.1"));
      case RequestParser::Outcome::kHeaderTooLarge:
        keep_ = false;
        return refuse(error_response(431, "the request's header is larger than " +
                                              std::to_string(all_->options().header_limit) + " bytes"));
      case RequestParser::Outcome::kBodyTooLarge:
        keep_ = false;
        return refuse(error_response(413, "the request's body is larger than " +
                                              std::to_string(all_->options().body_limit) + " bytes"));
    }
  }
}

// The header is complete. Every refusal comes before the body is read.
std::optional<Response> Connection::check() {
  Guard& guard = all_->guard();
  if (!parser_.keep_alive()) keep_ = false;

  std::string_view target = request_.target;
  if (target.starts_with("http://")) target.remove_prefix(std::min(target.find('/', 7), target.size()));
  const auto question = std::min(target.find('?'), target.size());
  const std::string_view raw_path = target.substr(0, question);
  auto path = percent_decode(raw_path);
  if (!path) return error_response(400, "the path holds a broken percent escape");
  request_.path = std::move(*path);
  if (question < target.size()) parse_query(target.substr(question + 1), request_.query);
  if (const auto languages = request_.headers.find("Accept-Language")) {
    request_.language = preferred_language(*languages);
  }

  if (auto refusal = guard.refuse_host(request_, parser_.http_1_0())) return refusal;
  auto origin = guard.check_origin(request_);
  if (origin.cross_origin) cors_origin_ = request_.headers.get("Origin");
  if (origin.answer) return std::move(origin.answer);

  request_.authenticated = guard.authenticated(request_);
  const auto match = all_->router().match(request_.method, raw_path, request_.path_parameters);
  if (auto refusal = guard.refuse_access(request_, match.route ? match.route->access : Access::kOpen)) return refusal;
  if (match.path_known) {
    Response response = error_response(405, "Method Not Allowed");
    response.headers.emplace_back("Allow", match.allow);
    return response;
  }
  if (match.route == nullptr) return error_response(404, "Not Found");
  route_ = match.route;

  const bool has_body = parser_.has_body();
  if (auto refusal = Guard::refuse_content_type(request_, has_body)) return refusal;
  if (!has_body) return std::nullopt;
  const std::size_t length = parser_.content_length().value_or(0);
  if (length > all_->options().body_limit) {
    return error_response(413, "the request's body of " + std::to_string(length) + " bytes is larger than " +
                                   std::to_string(all_->options().body_limit) + " bytes");
  }
  if (begin_ == end_ && iequals(request_.headers.get("Expect"), "100-continue")) {
    error_code ignored;  // a client that does not get it sends its body after a while
    socket_->write_some(asio::buffer(kContinue), ignored);
  }
  if (length > buffer_.size() && !read_pending_) buffer_.resize(std::max(buffer_.size(), kBodyBuffer));
  return std::nullopt;
}

void Connection::refuse(Response response) {
  if (response.status >= 400 && response.status != 404 && response.status != 405) ++all_->counters().refused;
  state_ = State::kHandling;
  respond(std::move(response));
}

// ---- handling

void Connection::dispatch() {
  state_ = State::kHandling;
  abandoned_ = false;
  ++all_->counters().requests;
  in_handler_ = true;
  std::string thrown = "it ended without an answer";
  try {
    route_->handler(request_, Exchange(shared_from_this()));
  } catch (const std::exception& error) {
    thrown = error.what();
    base::log_error("a request's handler failed", {{"route", route_->pattern}, {"what", thrown}});
  } catch (...) {
    thrown = "it threw no std::exception";
    base::log_error("a request's handler failed", {{"route", route_->pattern}, {"what", thrown}});
  }
  in_handler_ = false;
  if (abandoned_ && state_ == State::kHandling) abandon();
  // Only to see a client that leaves: its next request waits in the buffer.
  if (state_ == State::kHandling || state_ == State::kStreaming) read_more();
}

void Connection::abandon() {
  abandoned_ = true;
  if (in_handler_ || state_ != State::kHandling) return;
  const std::string id = base::random_uuid();
  base::log_error("a request got no answer from its handler",
                  {{"method", request_.method}, {"path", request_.path}, {"id", id}});
  respond(error_response(500, "an internal error; the daemon's log has more under " + id));
}

// ---- answering

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
  const bool bodyless = response.status == 204 || response.status == 304;
  begin_head(response.status, bodyless ? std::string_view{} : response.content_type, response.headers);
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

std::shared_ptr<StreamSink> Connection::start_stream(int status, std::string content_type, HeaderList headers,
                                                     bool events) {
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
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(head_) + from_head, asio::buffer(body_) + from_body};
  write_pending_ = true;
  socket_->async_write_some(buffers, [self = shared_from_this()](const error_code& ec, std::size_t size) {
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
  body_.clear();
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
