// SPDX-License-Identifier: Apache-2.0
// Short texts put together without stdio: for a short task the pages of code and data that its shim
// touches are a good part of what it costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace berth::shim {

/// Writes into `size` bytes at `begin`, NUL included; what does not fit is cut off.
class Text {
 public:
  Text(char* begin, std::size_t size) : begin_(begin), at_(begin), end_(begin + size - 1) {
    *at_ = '\0';
  }

  Text& operator<<(const char* text) {
    while (*text != '\0' && at_ < end_) *at_++ = *text++;
    *at_ = '\0';
    return *this;
  }

  Text& operator<<(std::int64_t number) {
    if (number < 0) *this << "-";
    return digits(
        number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number),
        10, 1);
  }

  Text& operator<<(int number) { return *this << static_cast<std::int64_t>(number); }

  /// 16 digits.
  Text& hex(std::uint64_t number) { return digits(number, 16, 16); }

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] bool full() const { return at_ == end_; }

 private:
  Text& digits(std::uint64_t number, unsigned base, int least) {
    char reversed[24];
    int count = 0;
    for (; number != 0 || count < least; number /= base)
      reversed[count++] = "0123456789abcdef"[number % base];
    char text[25];
    for (int i = 0; i < count; ++i) text[i] = reversed[count - 1 - i];
    text[count] = '\0';
    return *this << text;
  }

  char* const begin_;
  char* at_;
  char* const end_;
};

}  // namespace berth::shim
