// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <memory>
#include <type_traits>

namespace berth::http {

namespace beast = boost::beast;

class RequestParser::Parser final : public beast::http::basic_parser<true> {
 public:
  Parser(Request& request, std::size_t header_limit, std::size_t limit) noexcept
      : request_(request), limit_(limit) {
    this->header_limit(static_cast<std::uint32_t>(header_limit));
    body_limit(boost::none);  // counted here, after the checks that come before the body
  }

  bool header_reported = false;
  int version = 11;

 private:
  using Code = beast::error_code;
  using Text = beast::string_view;

  void on_request_impl(beast::http::verb, Text method, Text target, int version_number,
                       Code&) override {
    version = version_number;
    request_.method.assign(method.data(), method.size());
    request_.target.assign(target.data(), target.size());
  }
  void on_response_impl(int, Text, int, Code&) override {}
  void on_field_impl(beast::http::field, Text name, Text value, Code&) override {
    // Trailers come after the checks were made: they are dropped.
    if (!header_reported) {
      request_.headers.add(std::string_view(name.data(), name.size()),
                           std::string_view(value.data(), value.size()));
    }
  }
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Code& ec) override {
    if (!length) return;
    if (*length > limit_) {
      ec = beast::http::error::body_limit;
    } else {
      request_.body.reserve(static_cast<std::size_t>(*length));
    }
  }
  std::size_t on_body_impl(Text body, Code& ec) override {
    if (body.size() > limit_ - request_.body.size()) {
      ec = beast::http::error::body_limit;
      return 0;
    }
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& ec) override {
    return on_body_impl(body, ec);
  }
  void on_finish_impl(Code&) override {}

  Request& request_;
  std::size_t limit_;
};

RequestParser::RequestParser(Request& request, std::size_t header_limit, std::size_t body_limit)
    : request_(request),
      header_limit_(std::min<std::size_t>(header_limit, std::numeric_limits<std::uint32_t>::max())),
      body_limit_(body_limit) {
  reset();
}

RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  request_.method.clear();
  request_.target.clear();
  request_.path.clear();
  request_.query.clear();
  request_.path_parameters.clear();
  request_.headers.clear();
  if (request_.body.capacity() > 65536) {
    request_.body = {};
  } else {
    request_.body.clear();
  }
  request_.language = {};
  request_.authenticated = false;
  if (parser_ == nullptr) {
    parser_ = std::make_unique<Parser>(request_, header_limit_, body_limit_);
    return;
  }
  // A parser of Beast's takes one message; this is a new one in the place of the old one.
  static_assert(std::is_nothrow_constructible_v<Parser, Request&, std::size_t, std::size_t>);
  std::destroy_at(parser_.get());
  std::construct_at(parser_.get(), request_, header_limit_, body_limit_);
}

RequestParser::Outcome RequestParser::feed(std::string_view bytes, std::size_t& used) {
  Parser& parser = *parser_;
  used = 0;
  if (parser.is_done()) return Outcome::kComplete;
  while (used < bytes.size()) {
    beast::error_code ec;
    used += parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    if (ec == beast::http::error::need_more) return Outcome::kNeedMore;
    if (ec == beast::http::error::header_limit) return Outcome::kHeaderTooLarge;
    if (ec == beast::http::error::body_limit) return Outcome::kBodyTooLarge;
    if (ec) return Outcome::kBad;
    if (parser.is_header_done() && !parser.header_reported) {
      parser.header_reported = true;
      return Outcome::kHeader;
    }
    if (parser.is_done()) return Outcome::kComplete;
  }
  return Outcome::kNeedMore;
}

bool RequestParser::http_1_0() const { return parser_->version < 11; }
bool RequestParser::keep_alive() const { return parser_->keep_alive(); }
bool RequestParser::has_body() const { return !parser_->is_done(); }

std::optional<std::uint64_t> RequestParser::content_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

}  // namespace berth::http
