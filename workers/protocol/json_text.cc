// SPDX-License-Identifier: Apache-2.0
#include "protocol/json_text.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "protocol/event_writer.h"

namespace berth::protocol {
namespace {

void append(const boost::json::value& value, std::string* text) {
  if (value.is_double()) {
    const double number = value.get_double();
    if (!std::isfinite(number)) {
      *text += "null";
      return;
    }
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, number);
    text->append(digits, end.ptr);
    // A whole number stays recognisable as a floating-point one.
    if (std::find_if(digits, end.ptr, [](char c) { return c == '.' || c == 'e'; }) == end.ptr) {
      *text += ".0";
    }
  } else if (const auto* array = value.if_array()) {
    *text += '[';
    for (size_t i = 0; i < array->size(); ++i) {
      if (i > 0) *text += ',';
      append((*array)[i], text);
    }
    *text += ']';
  } else if (const auto* object = value.if_object()) {
    *text += '{';
    bool first = true;
    for (const auto& [key, item] : *object) {
      if (!first) *text += ',';
      first = false;
      *text += boost::json::serialize(key);
      *text += ':';
      append(item, text);
    }
    *text += '}';
  } else {
    *text += boost::json::serialize(value);
  }
}

}  // namespace

std::string json_text(const boost::json::value& value) {
  std::string text;
  append(value, &text);
  return valid_utf8(std::move(text));
}

std::string text_of(const boost::json::object& object, const char* name) {
  const boost::json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string().c_str()) : "";
}

}  // namespace berth::protocol
