// SPDX-License-Identifier: Apache-2.0
// JSON as people expect to read it: 10.36, not 1.036E1, which is what Boost.JSON writes.
#include <charconv>
#include <cmath>

#include "base/json.h"

namespace berth::base {

namespace {

void write(const json::value& value, std::string& out);

// How a character is written that cannot stand for itself.
std::string escaped(char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return std::string("\\u00") + kHex[static_cast<unsigned char>(c) >> 4] +
             kHex[static_cast<unsigned char>(c) & 15];
  }
}

// Most text has nothing to escape: it is copied in runs, which answers to status reads live on.
void write_string(std::string_view text, std::string& out) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, copied, i - copied);
    out += escaped(c);
    copied = i + 1;
  }
  out.append(text, copied);
  out += '"';
}

template <class Number>
void write_number(Number number, std::string& out) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, end);
}

void write_double(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";  // JSON has no word for it
    return;
  }
  const auto begin = out.size();
  write_number(number, out);
  // A whole number stays recognisable as a fraction, as Python writes it: 24.0.
  if (out.find_first_of(".e", begin) == std::string::npos) out += ".0";
}

void write_array(const json::array& array, std::string& out) {
  out += '[';
  bool first = true;
  for (const auto& item : array) {
    if (!first) out += ',';
    first = false;
    write(item, out);
  }
  out += ']';
}

void write_object(const json::object& object, std::string& out) {
  out += '{';
  bool first = true;
  for (const auto& entry : object) {
    if (!first) out += ',';
    first = false;
    write_string(entry.key(), out);
    out += ':';
    write(entry.value(), out);
  }
  out += '}';
}

void write(const json::value& value, std::string& out) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      break;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
      write_number(value.get_int64(), out);
      break;
    case json::kind::uint64:
      write_number(value.get_uint64(), out);
      break;
    case json::kind::double_:
      write_double(value.get_double(), out);
      break;
    case json::kind::string:
      write_string(value.get_string(), out);
      break;
    case json::kind::array:
      write_array(value.get_array(), out);
      break;
    case json::kind::object:
      write_object(value.get_object(), out);
      break;
  }
}

}  // namespace

std::string to_text(const json::value& value) {
  std::string out;
  write(value, out);
  return out;
}

}  // namespace berth::base
