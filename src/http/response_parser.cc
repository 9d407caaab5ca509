// SPDX-License-Identifier: Apache-2.0
#include "http/response_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

namespace berth::http {

namespace beast = boost::beast;

class ResponseParser::Parser final : public beast::http::basic_parser<false> {
 public:
  explicit Parser(const OnBody& on_body) : on_body_(on_body) {
    header_limit(64U << 10);
    body_limit(boost::none);
  }

  int status = 0;
  Headers headers;
  bool header_reported = false;
  bool stopped = false;

 private:
  using Code = beast::error_code;
  using Text = beast::string_view;

  void on_request_impl(beast::http::verb, Text, Text, int, Code&) override {}
  void on_response_impl(int code, Text, int, Code&) override { status = code; }
  void on_field_impl(beast::http::field, Text name, Text value, Code&) override {
    if (!header_reported) {
      headers.add(std::string_view(name.data(), name.size()),
                  std::string_view(value.data(), value.size()));
    }
  }
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  std::size_t on_body_impl(Text body, Code& ec) override {
    if (!body.empty() && !on_body_(std::string_view(body.data(), body.size()))) {
      stopped = true;
      ec = beast::http::error::end_of_stream;
    }
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& ec) override {
    return on_body_impl(body, ec);
  }
  void on_finish_impl(Code&) override {}

  const OnBody& on_body_;
};

ResponseParser::ResponseParser(bool head_request, OnBody on_body)
    : head_request_(head_request), on_body_(std::move(on_body)) {
  reset();
}

ResponseParser::~ResponseParser() = default;

void ResponseParser::reset() {
  parser_ = std::make_unique<Parser>(on_body_);
  parser_->skip(head_request_);
}

ResponseParser::Outcome ResponseParser::feed(std::string_view bytes, std::size_t& used) {
  used = 0;
  if (parser_->is_done()) return Outcome::kComplete;
  while (used < bytes.size()) {
    beast::error_code ec;
    used += parser_->put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    if (parser_->stopped) return Outcome::kStopped;
    if (ec == beast::http::error::need_more) return Outcome::kNeedMore;
    if (ec) return Outcome::kBad;
    if (parser_->is_header_done() && parser_->status / 100 == 1) {
      reset();
      continue;
    }
    if (parser_->is_header_done() && !parser_->header_reported) {
      parser_->header_reported = true;
      return Outcome::kHeader;
    }
    if (parser_->is_done()) return Outcome::kComplete;
  }
  return Outcome::kNeedMore;
}

ResponseParser::Outcome ResponseParser::finish() {
  if (!parser_->got_some()) return Outcome::kBad;
  beast::error_code ec;
  parser_->put_eof(ec);
  return !ec && parser_->is_done() ? Outcome::kComplete : Outcome::kBad;
}

int ResponseParser::status() const { return parser_->status; }
const Headers& ResponseParser::headers() const { return parser_->headers; }
bool ResponseParser::keep_alive() const { return parser_->is_done() && parser_->keep_alive(); }

}  // namespace berth::http
