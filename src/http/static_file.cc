// SPDX-License-Identifier: Apache-2.0
#include "http/static_file.h"

#include <boost/beast/zlib/inflate_stream.hpp>
#include <utility>

#include "base/text.h"

namespace berth::http {

namespace zlib = boost::beast::zlib;
using base::ErrorCode;
using base::fail;

namespace {

// The raw deflate data between a member's header and its trailer (RFC 1952, 2.3); empty when
// broken.
std::string_view deflated(std::string_view gzip) {
  constexpr std::size_t kHeader = 10;
  constexpr std::size_t kTrailer = 8;
  constexpr unsigned kHeaderCrc = 2;
  constexpr unsigned kExtra = 4;
  constexpr unsigned kName = 8;
  constexpr unsigned kComment = 16;
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(gzip[i]));
  };
  if (gzip.size() < kHeader + kTrailer || byte(0) != 0x1f || byte(1) != 0x8b || byte(2) != 8)
    return {};
  const unsigned flags = byte(3);
  const std::size_t end = gzip.size() - kTrailer;
  std::size_t at = kHeader;
  if ((flags & kExtra) != 0U) {
    if (at + 2 > end) return {};
    at += 2 + byte(at) + 256 * byte(at + 1);
  }
  for (const unsigned text : {kName, kComment}) {
    if ((flags & text) == 0U) continue;
    const auto zero = gzip.find('\0', at);
    if (zero == std::string_view::npos) return {};
    at = zero + 1;
  }
  if ((flags & kHeaderCrc) != 0U) at += 2;
  return at < end ? gzip.substr(at, end - at) : std::string_view{};
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  for (const auto& part : base::split(if_none_match, ',')) {
    std::string_view tag = base::trim(part);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag || tag == "*") return true;
  }
  return false;
}

}  // namespace

base::Result<std::string> gunzip(std::string_view gzip, std::size_t limit) {
  const std::string_view input = deflated(gzip);
  if (input.empty()) return fail(ErrorCode::kBadRequest, "the data is no gzip member");
  zlib::inflate_stream inflater;
  inflater.reset(15);
  std::string output;
  char buffer[16384];
  zlib::z_params params;
  params.next_in = input.data();
  params.avail_in = input.size();
  for (;;) {
    params.next_out = buffer;
    params.avail_out = sizeof buffer;
    boost::beast::error_code ec;
    inflater.write(params, zlib::Flush::sync, ec);
    output.append(buffer, sizeof buffer - params.avail_out);
    if (output.size() > limit) {
      return fail(ErrorCode::kTooLarge,
                  "the data unpacks to more than " + std::to_string(limit) + " bytes");
    }
    if (ec == zlib::error::end_of_stream) return output;
    if (ec || (params.avail_in == 0 && params.avail_out > 0)) {
      return fail(ErrorCode::kBadRequest,
                  "the gzip data is damaged: " + (ec ? ec.message() : "it ends too early"));
    }
  }
}

Response static_response(const Request& request, const StaticFile& file) {
  Response response;
  response.content_type = file.content_type;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  response.headers.emplace_back(
      "Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (!file.etag.empty()) {
    response.headers.emplace_back("ETag", file.etag);
    if (names_etag(request.headers.get("If-None-Match"), file.etag)) {
      response.status = 304;
      return response;
    }
  }
  if (accepts_gzip(request.headers.get("Accept-Encoding"))) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = file.gzip;
    return response;
  }
  auto plain = gunzip(file.gzip);
  if (!plain) return error_response(500, plain.error().message);
  response.body = std::move(*plain);
  return response;
}

}  // namespace berth::http
