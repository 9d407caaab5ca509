// SPDX-License-Identifier: Apache-2.0
// Boost.JSON with limits on size and depth, and getters that say what was wrong.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace berth::base {

namespace json = boost::json;

/// Parses one JSON text; at most 64 levels deep. kBadRequest with the offset when it is none.
Result<json::value> parse_json(std::string_view text);

/// Compact JSON text. Numbers as people write them; a number that is none (NaN) becomes null.
std::string to_text(const json::value& value);

// Readers for values that Berth itself wrote: absent or of another type gives the default.
std::string string_or(const json::object& object, std::string_view key,
                      std::string_view otherwise = "");
std::int64_t int_or(const json::object& object, std::string_view key, std::int64_t otherwise = 0);
double double_or(const json::object& object, std::string_view key, double otherwise = 0);
bool bool_or(const json::object& object, std::string_view key, bool otherwise = false);
std::optional<std::int64_t> maybe_int(const json::object& object, std::string_view key);
std::optional<double> maybe_double(const json::object& object, std::string_view key);
std::optional<std::string> maybe_string(const json::object& object, std::string_view key);
std::optional<Bytes> maybe_bytes(const json::object& object, std::string_view key);

/// An absent reading is JSON null.
template <class T>
json::value or_null(const std::optional<T>& reading) {
  return reading ? json::value(*reading) : json::value(nullptr);
}
inline json::value or_null(const std::optional<Bytes>& reading) {
  return reading ? json::value(reading->value) : json::value(nullptr);
}

}  // namespace berth::base
