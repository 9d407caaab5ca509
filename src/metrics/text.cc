// SPDX-License-Identifier: Apache-2.0
#include "metrics/text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace berth::metrics {

namespace {

constexpr std::array<std::string_view, 4> kTypes{"gauge", "counter", "histogram", "untyped"};

void append_escaped(std::string& to, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      to += "\\\\";
    } else if (c == '\n') {
      to += "\\n";
    } else if (c == '"' && quotes) {
      to += "\\\"";
    } else {
      to += c;
    }
  }
}

void append_number(std::string& to, double value) {
  if (std::isnan(value)) {
    to += "NaN";
  } else if (std::isinf(value)) {
    to += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 40> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    to.append(text.data(), end.ptr);
  }
}

}  // namespace

void Text::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  head_ = "# HELP " + name_ + " ";
  append_escaped(head_, help, false);
  head_ += "\n# TYPE " + name_ + " ";
  head_ += kTypes.at(static_cast<std::size_t>(type));
  head_ += "\n";
}

void Text::sample(const Labels& labels, double value, std::string_view suffix) {
  text_ += head_;
  head_.clear();
  text_ += name_;
  text_ += suffix;
  if (!labels.empty()) {
    char before = '{';
    for (const auto& [name, content] : labels) {
      text_ += before;
      text_ += name;
      text_ += "=\"";
      append_escaped(text_, content, true);
      text_ += '"';
      before = ',';
    }
    text_ += '}';
  }
  text_ += ' ';
  append_number(text_, value);
  text_ += '\n';
}

}  // namespace berth::metrics
