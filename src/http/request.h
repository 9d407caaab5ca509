// SPDX-License-Identifier: Apache-2.0
// Plain values: what a client asked and what it gets. No sockets here; used on the loop's thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace berth::http {

/// Header fields in the order received. Names compare without regard to case. One block of text
/// and offsets into it: copying is safe, and clear() keeps the memory.
class Headers {
 public:
  void add(std::string_view name, std::string_view value);
  void clear();

  /// The first field of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// The same, or "".
  [[nodiscard]] std::string_view get(std::string_view name) const {
    return find(name).value_or("");
  }
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  /// Name and value of field `i`, i < size().
  [[nodiscard]] std::pair<std::string_view, std::string_view> at(std::size_t i) const;

 private:
  struct Field {
    std::uint32_t name, name_size, value, value_size;
  };
  std::string text_;
  std::vector<Field> fields_;
};

/// Decoded names and values in order; a name may occur more than once.
class Parameters {
 public:
  void add(std::string name, std::string value) {
    items_.emplace_back(std::move(name), std::move(value));
  }
  void clear() { items_.clear(); }

  /// The first value of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// The same, or "".
  [[nodiscard]] std::string_view get(std::string_view name) const {
    return find(name).value_or("");
  }
  /// Every value of that name, in order.
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& items() const {
    return items_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// Who is at the other end.
struct Peer {
  bool unix_socket = false;  // came over a Unix socket: `uid` and `pid` are the kernel's word
  bool loopback = false;     // came over a listener on 127.0.0.0/8 or ::1
  std::optional<uid_t> uid;  // Unix sockets only
  std::optional<gid_t> gid;  // Unix sockets only
  std::optional<pid_t> pid;  // Unix sockets only
  std::string address;       // "127.0.0.1:50712", "[::1]:50712", "unix"
};

/// One request. All decoded text is valid UTF-8 (what is none became U+FFFD). A handler's
/// reference stays valid until it answers; copy what is needed longer.
struct Request {
  std::string method;          // "GET"
  std::string target;          // as received: "/api/v2/tasks/a%20b?limit=5"
  std::string path;            // percent-decoded, without the query: "/api/v2/tasks/a b"
  Parameters query;            // "+" and percent decoded
  Parameters path_parameters;  // from the route's pattern: {task_id} -> "a b"
  Headers headers;
  std::string body;
  Peer peer;
  /// "en" or "zh", the better of the two by Accept-Language; empty when it names neither.
  std::string_view language;
  /// The client showed the token, or its Unix credentials are those of a trusted user.
  bool authenticated = false;

  [[nodiscard]] std::string_view parameter(std::string_view name) const {
    return path_parameters.get(name);
  }
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// One answer. Content-Length, Connection and Server are the server's; give other fields in
/// `headers`. A body under 204 and 304 and on HEAD is not sent.
struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  HeaderList headers;
  std::shared_ptr<const base::Shortage> shortage = nullptr;  // of an error, which the body says
};

/// {"detail": "<detail>"} with the status given.
Response error_response(int status, std::string_view detail);
/// The same with the status that api/error-codes.yaml gives the error's code.
Response error_response(const base::Error& error);

/// `text` as a JSON string with its quotes.
std::string json_quote(std::string_view text);

/// Percent-decodes. With `plus_is_space` also "+" (queries). std::nullopt on a broken escape or
/// NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// Percent-encodes everything but unreserved characters: one path segment or query value.
std::string percent_encode(std::string_view text);

/// "a=1&b=x+y" -> {a: "1"}, {b: "x y"}. A broken escape is kept as it stands.
void parse_query(std::string_view text, Parameters& query);

/// "en", "zh" or "" by the q-values of an Accept-Language header (RFC 9110, 12.5.4).
std::string_view preferred_language(std::string_view accept_language);

/// Whether an Accept-Encoding header admits gzip (RFC 9110, 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

/// ASCII, without regard to case.
bool iequals(std::string_view a, std::string_view b);

}  // namespace berth::http
