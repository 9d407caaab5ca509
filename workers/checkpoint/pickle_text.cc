// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/pickle_text.h"

#include <algorithm>
#include <charconv>

namespace berth::checkpoint {
namespace {

std::optional<uint32_t> digits(std::string_view text, int base) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void append_utf8(uint32_t point, std::string* out) {
  if (point < 0x80) {
    *out += static_cast<char>(point);
  } else if (point < 0x800) {
    *out += static_cast<char>(0xC0 | point >> 6);
    *out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    *out += static_cast<char>(0xE0 | point >> 12);
    *out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    *out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    *out += static_cast<char>(0xF0 | point >> 18);
    *out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    *out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    *out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

/// The character of a one-letter escape; nothing if `letter` is none.
std::optional<char> simple_escape(char letter) {
  constexpr std::string_view kLetters = "\\'\"nrtabfv", kMeanings = "\\'\"\n\r\t\a\b\f\v";
  const size_t at = kLetters.find(letter);
  if (at == std::string_view::npos) return std::nullopt;
  return kMeanings[at];
}

}  // namespace

std::optional<std::string> unquoted(std::string_view line) {
  if (line.size() < 2 || (line.front() != '\'' && line.front() != '"') ||
      line.back() != line.front()) {
    return std::nullopt;
  }
  line = line.substr(1, line.size() - 2);
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      out += line[i];
      continue;
    }
    if (++i == line.size()) return std::nullopt;
    if (const auto character = simple_escape(line[i])) {
      out += *character;
    } else if (line[i] == 'x') {
      const auto code = digits(line.substr(i + 1, 2), 16);
      if (!code || line.size() - i < 3) return std::nullopt;
      out += static_cast<char>(*code);
      i += 2;
    } else if (line[i] >= '0' && line[i] <= '7') {
      size_t length = 1;
      while (length < 3 && i + length < line.size() && line[i + length] >= '0' &&
             line[i + length] <= '7') {
        ++length;
      }
      out += static_cast<char>(*digits(line.substr(i, length), 8) & 0xFF);
      i += length - 1;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::string> unescaped_unicode(std::string_view line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    const char next = i + 1 < line.size() ? line[i + 1] : '\0';
    if (line[i] != '\\' || (next != 'u' && next != 'U')) {
      append_utf8(static_cast<unsigned char>(line[i]), &out);
      continue;
    }
    const size_t length = next == 'u' ? 4 : 8;
    const auto code = digits(line.substr(i + 2, length), 16);
    if (!code || line.size() - i < 2 + length || *code > 0x10FFFF) return std::nullopt;
    append_utf8(*code, &out);
    i += 1 + length;
  }
  return out;
}

std::optional<std::string> latin1_bytes(std::string_view utf8) {
  std::string out;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x80) {
      out += utf8[i];
    } else if ((byte == 0xC2 || byte == 0xC3) && i + 1 < utf8.size()) {
      out += static_cast<char>((byte & 3) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3F));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<int64_t> decimal(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> real_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string wide_decimal(std::string_view little_endian) {
  using Wide = unsigned __int128;
  const bool positive = little_endian.size() == 17 && little_endian.back() == '\0';
  if (positive) little_endian.remove_suffix(1);
  if (little_endian.empty() || little_endian.size() > sizeof(Wide)) return {};
  const bool negative = !positive && static_cast<signed char>(little_endian.back()) < 0;
  Wide value = negative ? ~Wide{0} : 0;
  for (size_t i = little_endian.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(little_endian[i]);
  }
  if (negative) value = ~value + 1;
  std::string text;
  do {
    text += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  if (negative) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

}  // namespace berth::checkpoint
