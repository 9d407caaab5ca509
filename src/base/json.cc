// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <boost/json/parser.hpp>
#include <cmath>
#include <limits>

namespace berth::base {

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 64;
  json::parser parser({}, options);
  boost::system::error_code code;
  const std::size_t read = parser.write_some(text.data(), text.size(), code);
  if (!code && read < text.size()) code = json::make_error_code(json::error::extra_data);
  if (code) {
    return fail(ErrorCode::kBadRequest,
                "not valid JSON: " + code.message() + " at offset " + std::to_string(read));
  }
  return parser.release();
}

namespace {
const json::value* find(const json::object& object, std::string_view key) {
  return object.if_contains(json::string_view(key.data(), key.size()));
}
}  // namespace

std::optional<std::int64_t> maybe_int(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->as_int64();
  if (value->is_uint64()) {
    if (value->as_uint64() > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return static_cast<std::int64_t>(value->as_uint64());
  }
  if (value->is_double()) {
    const double number = value->as_double();
    if (std::nearbyint(number) == number && std::abs(number) < 9e15)
      return static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}

std::optional<double> maybe_double(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->is_double()) return value->as_double();
  if (value->is_int64()) return static_cast<double>(value->as_int64());
  if (value->is_uint64()) return static_cast<double>(value->as_uint64());
  return std::nullopt;
}

std::optional<std::string> maybe_string(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->as_string());
}

std::optional<Bytes> maybe_bytes(const json::object& object, std::string_view key) {
  const auto value = maybe_int(object, key);
  return value ? std::optional<Bytes>(Bytes{*value}) : std::nullopt;
}

std::string string_or(const json::object& object, std::string_view key,
                      std::string_view otherwise) {
  return maybe_string(object, key).value_or(std::string(otherwise));
}

std::int64_t int_or(const json::object& object, std::string_view key, std::int64_t otherwise) {
  return maybe_int(object, key).value_or(otherwise);
}

double double_or(const json::object& object, std::string_view key, double otherwise) {
  return maybe_double(object, key).value_or(otherwise);
}

bool bool_or(const json::object& object, std::string_view key, bool otherwise) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_bool() ? value->as_bool() : otherwise;
}

}  // namespace berth::base
