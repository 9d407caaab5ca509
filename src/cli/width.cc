// SPDX-License-Identifier: Apache-2.0
#include "cli/width.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"

namespace berth::cli {

namespace {

struct Range {
  std::uint32_t first, last;
};

// Unicode 15: East_Asian_Width W and F, and default emoji presentation; neighbouring ranges joined.
constexpr std::array<Range, 47> kWide{{
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x23F0, 0x23F0},   {0x23F3, 0x23F3},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},
    {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F5},   {0x26FA, 0x26FD},
    {0x2705, 0x2705},   {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274C},
    {0x274E, 0x274E},   {0x2753, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27B0},
    {0x27BF, 0x27BF},   {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},
    {0x2E80, 0x303E},   {0x3041, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x1B2FF}, {0x1F18E, 0x1F265},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1FAFF}, {0x20000, 0x3FFFD},
}};
constexpr std::array<Range, 14> kZero{{
    {0x0300, 0x036F},
    {0x0483, 0x0489},
    {0x0591, 0x05BD},
    {0x0610, 0x061A},
    {0x064B, 0x065F},
    {0x0E34, 0x0E3A},
    {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF},
    {0x200B, 0x200F},
    {0x202A, 0x202E},
    {0x2060, 0x2069},
    {0x20D0, 0x20FF},
    {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F},
}};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, std::uint32_t code) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](std::uint32_t c, const Range& range) { return c < range.first; });
  return after != ranges.begin() && code <= std::prev(after)->last;
}

// Takes one code point off the front of `text`; a stray byte is U+FFFD.
std::uint32_t take(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || length > text.size()) {
    text.remove_prefix(1);
    return 0xFFFD;
  }
  std::uint32_t code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80U) {
      text.remove_prefix(1);
      return 0xFFFD;
    }
    code = (code << 6) | (byte & 0x3FU);
  }
  text.remove_prefix(length);
  return code;
}

int columns_of(std::uint32_t code) {
  if (code < 0x300) return 1;
  if (in(kZero, code)) return 0;
  return in(kWide, code) ? 2 : 1;
}

// Chinese has no blanks: a line may end beside any wide character, but for these (the rules of
// UAX #14 that matter here).
bool ends_no_line(std::uint32_t code) {  // （《「【
  return code == 0xFF08 || code == 0x300A || code == 0x300C || code == 0x3010;
}
bool begins_no_line(std::uint32_t code) {  // ，：；！？）、。》」】 and what closes in ASCII
  constexpr std::u32string_view kClosing =
      U"\uFF0C\uFF1A\uFF1B\uFF01\uFF1F\uFF09\u3001\u3002"
      U"\u300B\u300D\u3011,.:;!?)]}%\"'/";
  return kClosing.find(static_cast<char32_t>(code)) != std::u32string_view::npos;
}

// Takes off the front of `text` what must stay on one line.
std::string_view take_unbroken(std::string_view& text) {
  const std::string_view all = text;
  std::uint32_t before = text.empty() ? 0 : take(text);
  while (!text.empty()) {
    std::string_view rest = text;
    const std::uint32_t code = take(rest);
    const bool wide = columns_of(before) == 2 || columns_of(code) == 2;
    if (wide && !ends_no_line(before) && !begins_no_line(code)) break;
    before = code;
    text = rest;
  }
  return all.substr(0, all.size() - text.size());
}

void skip_escape(std::string_view& text) {
  text.remove_prefix(1);
  if (text.empty() || text.front() != '[') return;
  text.remove_prefix(1);
  while (!text.empty() && (text.front() < '@' || text.front() > '~')) text.remove_prefix(1);
  if (!text.empty()) text.remove_prefix(1);
}

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    if (text.front() == '\x1b')
      skip_escape(text);
    else
      width += columns_of(take(text));
  }
  return width;
}

std::string fit(std::string_view text, int width) {
  if (width <= 0) return {};
  if (display_width(text) <= width) return std::string(text);
  std::string result;
  int used = 0;
  while (!text.empty()) {
    std::string_view rest = text;
    const int columns = columns_of(take(rest));
    if (used + columns > width - 1) break;
    used += columns;
    result += text.substr(0, text.size() - rest.size());
    text = rest;
  }
  return result + "…";
}

std::string fit_painted(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  std::string result;
  int used = 0;
  bool painted = false;
  while (!text.empty()) {
    std::string_view rest = text;
    int columns = 0;
    if (text.front() == '\x1b') {
      skip_escape(rest);
      painted = true;
    } else {
      columns = columns_of(take(rest));
    }
    if (used + columns > width - 1) break;
    used += columns;
    result += text.substr(0, text.size() - rest.size());
    text = rest;
  }
  if (width > 0) result += "…";
  return result + (painted ? "\x1b[0m" : "");
}

std::string pad_right(std::string_view text, int width) {
  std::string result(text);
  result.append(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
  return result;
}

std::string pad_left(std::string_view text, int width) {
  return std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ') +
         std::string(text);
}

std::string printable(std::string_view text) {
  const std::string valid = base::to_utf8(text);
  std::string result;
  std::string_view rest = valid;
  while (!rest.empty()) {
    const std::string_view before = rest;
    const std::uint32_t code = take(rest);
    if (code == '\n' || code == '\t' || code == '\r') {
      result += ' ';
    } else if (code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
               (code >= 0x2066 && code <= 0x2069)) {
      result += "·";
    } else {
      result += before.substr(0, before.size() - rest.size());
    }
  }
  return result;
}

std::string wrap(std::string_view text, int width, std::string_view indent) {
  std::string result;
  int used = 0;
  for (const std::string& word : base::split(text, ' ')) {
    bool blank = used > 0;
    std::string_view rest = word;
    do {
      const std::string_view piece = take_unbroken(rest);
      const int columns = display_width(piece);
      if (used > 0 && width > 0 && used + (blank ? 1 : 0) + columns > width) {
        result += "\n" + std::string(indent);
        used = 0;
      } else if (blank) {
        result += ' ';
        ++used;
      }
      blank = false;
      result += piece;
      used += columns;
    } while (!rest.empty());
  }
  return result;
}

}  // namespace berth::cli
