// SPDX-License-Identifier: Apache-2.0
// Parses one HTTP/1 request after another out of a buffer, straight into a Request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "http/request.h"

namespace berth::http {

class RequestParser {
 public:
  enum class Outcome {
    kNeedMore,  // the bytes given are used up, or begin a header that is not complete
    kHeader,    // the header is complete: look at it, then feed on (or stop here)
    kComplete,
    kBad,
    kHeaderTooLarge,
    kBodyTooLarge,
  };

  /// Writes to `request`, which must outlive the parser.
  RequestParser(Request& request, std::size_t header_limit, std::size_t body_limit);
  ~RequestParser();

  /// Clears the request (but for its peer) and begins the next one.
  void reset();
  /// `used` bytes of `bytes` need not be given again.
  Outcome feed(std::string_view bytes, std::size_t& used);

  // Known once the header is.
  [[nodiscard]] bool http_1_0() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool has_body() const;
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;

 private:
  class Parser;
  Request& request_;
  std::size_t header_limit_;
  std::size_t body_limit_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace berth::http
