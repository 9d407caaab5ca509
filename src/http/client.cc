// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <cstring>
#include <utility>
#include <vector>

#include "base/json.h"
#include "http/client_socket.h"
#include "http/response_parser.h"

namespace berth::http {

using base::fail;
using base::Result;
using std::chrono::milliseconds;

std::string ClientResponse::detail() const {
  if (auto parsed = base::parse_json(body); parsed && parsed->is_object()) {
    if (auto text = base::maybe_string(parsed->as_object(), "detail")) return *text;
  }
  return body.empty() ? "HTTP status " + std::to_string(status) : body;
}

class Client::Link {
 public:
  Link(Endpoint endpoint, ClientOptions options)
      : endpoint_(std::move(endpoint)), options_(std::move(options)) {}

  base::Status open() {
    auto fd = open_socket(endpoint_, std::chrono::steady_clock::now() + options_.connect_timeout);
    if (!fd) return fail(std::move(fd.error()));
    fd_ = std::move(*fd);
    return {};
  }

  struct Timing {
    milliseconds total{0};  // 0: for ever
    milliseconds idle{0};   // 0: for ever
  };

  Result<ClientResponse> exchange(std::string_view method, std::string_view path,
                                  const HeaderList& headers, std::string_view body, Timing timing,
                                  const std::function<bool(std::string_view)>* on_data) {
    if (fd_.valid() && is_stale(fd_.get())) fd_.reset();
    if (!fd_.valid()) {
      if (auto opened = open(); !opened) return fail(std::move(opened.error()));
    }
    auto response =
        attempt(compose(method, path, headers, body), method == "HEAD", timing, on_data);
    if (!response) fd_.reset();
    return response;
  }

  [[nodiscard]] const std::string& url() const { return endpoint_.url; }

 private:
  [[nodiscard]] std::string compose(std::string_view method, std::string_view path,
                                    const HeaderList& headers, std::string_view body) const {
    std::string text;
    text.reserve(256 + path.size() + body.size());
    text.append(method)
        .append(" ")
        .append(path)
        .append(" HTTP/1.1\r\nHost: ")
        .append(endpoint_.host_field);
    text += "\r\n";
    if (!options_.token.empty())
      text.append("Authorization: Bearer ").append(options_.token).append("\r\n");
    bool typed = false;
    for (const auto& [name, value] : headers) {
      text.append(name).append(": ").append(value).append("\r\n");
      typed = typed || iequals(name, "Content-Type");
    }
    if (!body.empty() && !typed) text += "Content-Type: application/json\r\n";
    if (!body.empty() || (method != "GET" && method != "HEAD")) {
      text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    }
    text.append("\r\n").append(body);
    return text;
  }

  Result<ClientResponse> attempt(const std::string& bytes, bool head, Timing timing,
                                 const std::function<bool(std::string_view)>* on_data) {
    const auto now = [] { return std::chrono::steady_clock::now(); };
    const Deadline last = timing.total.count() > 0 ? now() + timing.total : Deadline::max();
    const auto deadline = [&] {
      return timing.idle.count() > 0 ? std::min(last, now() + timing.idle) : last;
    };

    ClientResponse response;
    bool forward = false;
    ResponseParser parser(head, [&](std::string_view piece) {
      if (forward) return (*on_data)(piece);
      response.body += piece;
      return true;
    });
    // A server that refuses early answers and closes before it has read everything: its answer
    // counts.
    auto sent = send_all(endpoint_, fd_.get(), bytes, deadline());

    std::vector<char> buffer(16384);
    std::size_t filled = 0;
    for (;;) {
      if (filled == buffer.size()) buffer.resize(buffer.size() * 2);
      const auto got =
          receive(endpoint_, fd_.get(), buffer.data() + filled, buffer.size() - filled, deadline());
      if (!got) return fail(sent ? got.error() : sent.error());
      filled += *got;
      const auto outcome = *got == 0 ? parser.finish()
                                     : consume(parser, buffer, filled, on_data != nullptr, forward);
      if (outcome == ResponseParser::Outcome::kNeedMore) continue;
      if (outcome == ResponseParser::Outcome::kBad) {
        return fail(not_reachable(
            endpoint_, *got == 0 ? "it closed the connection before the answer was complete"
                                 : "what answers there does not speak HTTP"));
      }
      break;
    }
    response.status = parser.status();
    response.headers = parser.headers();
    response.content_type = response.headers.get("Content-Type");
    if (!sent || filled > 0 || !parser.keep_alive()) fd_.reset();
    return response;
  }

  // Feeds the parser and keeps what it leaves at the front of the buffer.
  static ResponseParser::Outcome consume(ResponseParser& parser, std::vector<char>& buffer,
                                         std::size_t& filled, bool streaming, bool& forward) {
    std::size_t begin = 0;
    auto outcome = ResponseParser::Outcome::kHeader;
    while (outcome == ResponseParser::Outcome::kHeader) {
      std::size_t used = 0;
      outcome = parser.feed({buffer.data() + begin, filled - begin}, used);
      begin += used;
      if (outcome == ResponseParser::Outcome::kHeader)
        forward = streaming && parser.status() / 100 == 2;
    }
    std::memmove(buffer.data(), buffer.data() + begin, filled - begin);
    filled -= begin;
    return outcome;
  }

  Endpoint endpoint_;
  ClientOptions options_;
  base::Fd fd_;
};

Client::Client(std::unique_ptr<Link> link) : link_(std::move(link)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(std::string base_url, ClientOptions options) {
  auto endpoint = parse_endpoint(base_url);
  if (!endpoint) return fail(std::move(endpoint.error()));
  auto link = std::make_unique<Link>(std::move(*endpoint), std::move(options));
  if (auto opened = link->open(); !opened) return fail(std::move(opened.error()));
  return Client(std::move(link));
}

Result<ClientResponse> Client::request(std::string_view method, std::string_view path,
                                       const HeaderList& headers, std::string_view body,
                                       milliseconds timeout) {
  return link_->exchange(method, path, headers, body, {timeout, milliseconds(0)}, nullptr);
}

Result<ClientResponse> Client::stream(std::string_view method, std::string_view path,
                                      const HeaderList& headers,
                                      const std::function<bool(std::string_view)>& on_data,
                                      std::string_view body, milliseconds idle_timeout) {
  return link_->exchange(method, path, headers, body, {milliseconds(0), idle_timeout}, &on_data);
}

const std::string& Client::url() const { return link_->url(); }

}  // namespace berth::http
