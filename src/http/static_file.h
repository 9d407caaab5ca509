// SPDX-License-Identifier: Apache-2.0
// Files embedded in the program, kept compressed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/request.h"

namespace berth::http {

struct StaticFile {
  std::string_view gzip;          // the file's content as one gzip member
  std::string_view content_type;  // "text/html; charset=utf-8"
  std::string_view etag;          // with its quotes; empty for none
  bool immutable = false;  // the name holds a hash of the content: clients may keep it for ever
};

/// 200 with Content-Encoding: gzip, or unpacked for a client that does not take gzip; 304 when
/// If-None-Match names the etag.
Response static_response(const Request& request, const StaticFile& file);

/// Unpacks one gzip member (RFC 1952). kBadRequest when it is none, kTooLarge above `limit` bytes.
base::Result<std::string> gunzip(std::string_view gzip, std::size_t limit = 64U << 20);

}  // namespace berth::http
