// SPDX-License-Identifier: Apache-2.0
#include "http/connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cstring>
#include <exception>
#include <utility>

#include "base/id.h"
#include "base/log.h"

namespace berth::http {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kBodyBuffer = 64U << 10;
constexpr std::size_t kBodyBytesPerSecond = 16U << 10;  // slower bodies run into read_timeout
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(std::shared_ptr<Connections> all, Socket socket, Peer peer)
    : all_(std::move(all)),
      socket_(std::make_unique<Socket>(std::move(socket))),
      buffer_(kFirstReadBuffer),
      parser_(request_, all_->options().header_limit, all_->options().body_limit) {
  request_.peer = std::move(peer);
  deadline_ = after(all_->options().read_timeout);
  all_->attach(*this);
}

Connection::~Connection() {
  if (state_ != State::kClosed) all_->detach(*this);
}

SteadyTime Connection::after(milliseconds time) const {
  return std::chrono::steady_clock::now() + time;
}

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
    if (buffer_.size() >= std::max(all_->options().header_limit + kFirstReadBuffer, kBodyBuffer)) {
      keep_ = false;
      refuse(error_response(400, "the request cannot be read: a chunk's header is too long"));
      return;
    }
    buffer_.resize(buffer_.size() * 2);
  }
  read_pending_ = true;
  socket_->async_read_some(asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
                           [self = shared_from_this()](const error_code& ec, std::size_t size) {
                             self->on_read(ec, size);
                           });
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
    const bool may_wait =
        ec == asio::error::eof && (state_ == State::kHandling || state_ == State::kSending);
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
                                              std::to_string(all_->options().header_limit) +
                                              " bytes"));
      case RequestParser::Outcome::kBodyTooLarge:
        keep_ = false;
        return refuse(error_response(413, "the request's body is larger than " +
                                              std::to_string(all_->options().body_limit) +
                                              " bytes"));
    }
  }
}

// The header is complete. Every refusal comes before the body is read.
std::optional<Response> Connection::check() {
  Guard& guard = all_->guard();
  if (!parser_.keep_alive()) keep_ = false;

  std::string_view target = request_.target;
  if (target.starts_with("http://"))
    target.remove_prefix(std::min(target.find('/', 7), target.size()));
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
  if (auto refusal =
          guard.refuse_access(request_, match.route ? match.route->access : Access::kOpen))
    return refusal;
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
    return error_response(413, "the request's body of " + std::to_string(length) +
                                   " bytes is larger than " +
                                   std::to_string(all_->options().body_limit) + " bytes");
  }
  if (begin_ == end_ && iequals(request_.headers.get("Expect"), "100-continue")) {
    error_code ignored;  // a client that does not get it sends its body after a while
    socket_->write_some(asio::buffer(kContinue), ignored);
  }
  if (length > buffer_.size() && !read_pending_)
    buffer_.resize(std::max(buffer_.size(), kBodyBuffer));
  return std::nullopt;
}

void Connection::refuse(Response response) {
  if (response.status >= 400 && response.status != 404 && response.status != 405)
    ++all_->counters().refused;
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

}  // namespace berth::http
