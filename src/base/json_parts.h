// SPDX-License-Identifier: Apache-2.0
// Reading stored objects leniently: what is absent or of another type is empty.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/time.h"

namespace berth::base {

inline const json::object& part(const json::object& from, std::string_view key) {
  static const json::object kEmpty;
  const json::value* found = from.if_contains(key);
  return found != nullptr && found->is_object() ? found->as_object() : kEmpty;
}

inline const json::array& list(const json::object& from, std::string_view key) {
  static const json::array kEmpty;
  const json::value* found = from.if_contains(key);
  return found != nullptr && found->is_array() ? found->as_array() : kEmpty;
}

inline std::optional<Time> maybe_time(const json::object& from, std::string_view key) {
  const auto ms = maybe_int(from, key);
  return ms ? std::optional(from_ms(*ms)) : std::nullopt;
}

}  // namespace berth::base
