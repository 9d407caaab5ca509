// SPDX-License-Identifier: Apache-2.0
// Parses one HTTP/1 answer out of bytes that come in pieces.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "http/request.h"

namespace berth::http {

class ResponseParser {
 public:
  /// Gets the body in pieces; false stops.
  using OnBody = std::function<bool(std::string_view)>;

  enum class Outcome { kNeedMore, kHeader, kComplete, kStopped, kBad };

  /// `head_request`: the answer has no body whatever its header says.
  ResponseParser(bool head_request, OnBody on_body);
  ~ResponseParser();

  /// `used` bytes of `bytes` need not be given again. Answers 1xx are skipped.
  Outcome feed(std::string_view bytes, std::size_t& used);
  /// The server has closed: kComplete when that ends the answer, else kBad.
  Outcome finish();

  [[nodiscard]] int status() const;
  [[nodiscard]] const Headers& headers() const;
  /// The connection can be used again.
  [[nodiscard]] bool keep_alive() const;

 private:
  class Parser;
  void reset();

  bool head_request_;
  OnBody on_body_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace berth::http
