// SPDX-License-Identifier: Apache-2.0
// JSON as people like to read it: numbers as 0.25, not 2.5E-1.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

namespace berth::protocol {

/// `value` as compact JSON in valid UTF-8. Doubles are written shortest; NaN and infinities become
/// null.
std::string json_text(const boost::json::value& value);

/// The string that `object` has under this name; empty where there is none.
std::string text_of(const boost::json::object& object, const char* name);

}  // namespace berth::protocol
