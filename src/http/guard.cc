// SPDX-License-Identifier: Apache-2.0
#include "http/guard.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"

namespace berth::http {

namespace {

struct HostPort {
  std::string host;  // lower case, IPv6 in brackets, no final dot
  std::string port;  // "80" when none is given
};

// RFC 3986, 3.2.2: host [":" port]. std::nullopt when it is neither.
std::optional<HostPort> parse_host(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(0, end + 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  if (host.empty() || host.find_first_of("@/\\ \t,") != std::string_view::npos) return std::nullopt;
  if (has_port && port.size() > 5) return std::nullopt;
  for (const char c : port) {
    if (c < '0' || c > '9') return std::nullopt;
  }
  HostPort result{base::lower(host), port.empty() ? "80" : std::string(port)};
  if (result.host.size() > 1 && result.host.back() == '.') result.host.pop_back();
  return result;
}

bool is_loopback_address(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (host.size() > 2 && host.front() == '[' &&
      inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&v6);
  }
  return false;
}

bool is_read_only(std::string_view method) { return method == "GET" || method == "HEAD"; }

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    // Compared with itself when the lengths differ: the loop runs over all of `a` in any case.
    const std::string_view other = a.size() == b.size() ? b : a;
    const unsigned x = static_cast<unsigned char>(a[i]);
    const unsigned y = static_cast<unsigned char>(other[i]);
    difference = static_cast<unsigned char>(difference | (x ^ y));
  }
  return difference == 0;
}

Guard::Guard(const ServerOptions& options)
    : token_(options.token),
      token_hint_(options.token_hint),
      insecure_(options.insecure),
      trusted_(options.trusted) {
  for (const auto& name : options.host_names) host_names_.push_back(base::lower(name));
  for (const auto& origin : options.allowed_origins) {
    std::string text = base::lower(origin);
    if (text.ends_with('/')) text.pop_back();
    allowed_origins_.push_back(std::move(text));
  }
}

bool Guard::local_name(std::string_view host) const {
  const auto parsed = parse_host(host);
  if (!parsed) return false;
  return parsed->host == "localhost" || is_loopback_address(parsed->host) ||
         std::find(host_names_.begin(), host_names_.end(), parsed->host) != host_names_.end();
}

std::optional<Response> Guard::refuse_host(const Request& request, bool http_1_0) const {
  const std::size_t count = request.headers.count("Host");
  if (count > 1) return error_response(400, "the request has more than one Host header");
  if (count == 0) {
    if (!http_1_0)
      return error_response(400, "the request has no Host header, which HTTP/1.1 requires");
    return std::nullopt;  // no browser speaks HTTP/1.0
  }
  if (!request.peer.loopback || request.peer.unix_socket) return std::nullopt;
  const std::string_view host = request.headers.get("Host");
  if (local_name(host)) return std::nullopt;
  return error_response(
      403,
      "the Host header names '" + std::string(host) +
          "', which is not this machine's loopback address; use localhost or 127.0.0.1, or add "
          "the name to the configuration");
}

bool Guard::allowed_origin(std::string_view origin) const {
  const std::string text = base::lower(origin);
  return std::find(allowed_origins_.begin(), allowed_origins_.end(), text) !=
         allowed_origins_.end();
}

Guard::OriginVerdict Guard::check_origin(const Request& request) const {
  const auto origin = request.headers.find("Origin");
  if (!origin) {
    if (!is_read_only(request.method) &&
        iequals(request.headers.get("Sec-Fetch-Site"), "cross-site")) {
      return {error_response(403, "a page of another site may not send this request"), false};
    }
    return {};
  }
  if (request.headers.count("Origin") > 1) {
    return {error_response(400, "the request has more than one Origin header"), false};
  }
  constexpr std::string_view kScheme = "http://";
  if (origin->size() > kScheme.size() && iequals(origin->substr(0, kScheme.size()), kScheme)) {
    const auto theirs = parse_host(origin->substr(kScheme.size()));
    const auto ours = parse_host(request.headers.get("Host"));
    if (theirs && ours && theirs->host == ours->host && theirs->port == ours->port) return {};
  }
  if (!allowed_origin(*origin)) {
    return {
        error_response(
            403, "pages of '" + std::string(*origin) +
                     "' may not use this server; the origins that may are in the configuration"),
        false};
  }
  if (request.method != "OPTIONS" || !request.headers.find("Access-Control-Request-Method"))
    return {{}, true};
  Response preflight;
  preflight.status = 204;
  preflight.content_type.clear();
  preflight.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"},
                       {"Access-Control-Allow-Headers",
                        "Authorization, Content-Type, Accept-Language, Last-Event-ID"},
                       {"Access-Control-Max-Age", "600"}};
  return {std::move(preflight), true};
}

bool Guard::authenticated(const Request& request) const {
  if (request.peer.unix_socket && request.peer.uid) {
    const uid_t uid = *request.peer.uid;
    if (uid == 0 || uid == ::geteuid()) return true;
    if (trusted_ && trusted_(uid)) return true;
  }
  if (token_.empty()) return false;
  const std::string_view field = request.headers.get("Authorization");
  const auto space = field.find(' ');
  if (space == std::string_view::npos || !iequals(field.substr(0, space), "Bearer")) return false;
  return equal_in_constant_time(base::trim(field.substr(space)), token_);
}

std::optional<Response> Guard::refuse_access(const Request& request, Access access) const {
  if (access == Access::kPublic || request.authenticated) return std::nullopt;
  const Peer& peer = request.peer;
  if (access == Access::kOpen && (peer.unix_socket || peer.loopback || insecure_))
    return std::nullopt;
  if (peer.unix_socket) {
    return error_response(
        403, "user " + (peer.uid ? std::to_string(*peer.uid) : std::string("(unknown)")) +
                 " may not do this; the users who may are root, the daemon's own and those named "
                 "in the configuration");
  }
  std::string detail = request.headers.find("Authorization")
                           ? "the token in the Authorization header is not the right one"
                           : "this needs the header 'Authorization: Bearer <token>'";
  if (!token_hint_.empty()) detail += "; " + token_hint_;
  Response response = error_response(401, detail);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

std::optional<Response> Guard::refuse_content_type(const Request& request, bool has_body) {
  const std::string_view method = request.method;
  if (!has_body || (method != "POST" && method != "PUT" && method != "PATCH")) return std::nullopt;
  const std::string_view field = request.headers.get("Content-Type");
  if (iequals(base::trim(field.substr(0, field.find(';'))), "application/json"))
    return std::nullopt;
  return error_response(
      415, (field.empty() ? std::string("the body has no Content-Type")
                          : "the body is sent as '" + std::string(field) + "'") +
               "; this server takes JSON only: add the header 'Content-Type: application/json' "
               "(curl: -H 'Content-Type: application/json')");
}

}  // namespace berth::http
