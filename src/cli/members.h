// SPDX-License-Identifier: Apache-2.0
// Members of a JSON object that are objects or lists; null where there is none of that type.
#pragma once

#include <string_view>

#include "base/json.h"

namespace berth::cli {

inline const base::json::object* object_in(const base::json::object& object, std::string_view key) {
  const base::json::value* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

inline const base::json::array* array_in(const base::json::object& object, std::string_view key) {
  const base::json::value* value = object.if_contains(key);
  return value != nullptr ? value->if_array() : nullptr;
}

}  // namespace berth::cli
