// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace berth::base {

Time now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::int64_t to_ms(Time time) { return time.time_since_epoch().count(); }

Time from_ms(std::int64_t ms) { return Time{std::chrono::milliseconds{ms}}; }

namespace {

// `number` in so many digits, at `at`.
char* put_digits(char* at, int digits, int number) {
  for (int i = digits; i-- > 0; number /= 10) at[i] = static_cast<char>('0' + number % 10);
  return at + digits;
}

}  // namespace

std::string iso8601(Time time) {
  const std::int64_t ms = to_ms(time);
  const std::int64_t part = (ms % 1000 + 1000) % 1000;
  const std::time_t seconds = static_cast<std::time_t>((ms - part) / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  // By hand: each answer about a task has several, and printf was a twentieth of its time.
  std::string text = "0000-00-00T00:00:00.000Z";
  char* at = put_digits(text.data(), 4, std::clamp(parts.tm_year + 1900, 0, 9999)) + 1;
  at = put_digits(at, 2, parts.tm_mon + 1) + 1;
  at = put_digits(at, 2, parts.tm_mday) + 1;
  at = put_digits(at, 2, parts.tm_hour) + 1;
  at = put_digits(at, 2, parts.tm_min) + 1;
  at = put_digits(at, 2, parts.tm_sec) + 1;
  put_digits(at, 3, static_cast<int>(part));
  return text;
}

std::optional<Duration> parse_duration(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  auto [rest, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || !std::isfinite(number) || number < 0 || number > 1e9)
    return std::nullopt;
  const std::string unit(rest, end);
  double factor = 0;
  if (unit.empty() || unit == "s")
    factor = 1000;
  else if (unit == "ms")
    factor = 1;
  else if (unit == "m" || unit == "min")
    factor = 60'000;
  else if (unit == "h")
    factor = 3'600'000;
  else if (unit == "d")
    factor = 86'400'000;
  else
    return std::nullopt;
  return Duration{static_cast<std::int64_t>(number * factor)};
}

std::optional<Time> parse_iso8601(std::string_view text) {
  const std::string copy(text);
  std::tm parts{};
  int taken = 0;
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &taken) != 6 ||
      taken == 0) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  std::string_view rest = std::string_view(copy).substr(static_cast<std::size_t>(taken));
  int ms = 0;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    for (int weight = 100; !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
         weight /= 10) {
      ms += weight * (rest.front() - '0');
      rest.remove_prefix(1);
    }
  }
  int offset_minutes = 0;
  if (rest.size() >= 3 && (rest.front() == '+' || rest.front() == '-')) {
    int hours = 0;
    int minutes = 0;
    if (std::sscanf(std::string(rest.substr(1)).c_str(), "%2d:%2d", &hours, &minutes) < 1)
      return std::nullopt;
    offset_minutes = (hours * 60 + minutes) * (rest.front() == '-' ? -1 : 1);
  } else if (!rest.empty() && rest != "Z" && rest != "z") {
    return std::nullopt;
  }
  const std::int64_t seconds = static_cast<std::int64_t>(timegm(&parts)) - 60LL * offset_minutes;
  return from_ms(seconds * 1000 + ms);
}

}  // namespace berth::base
