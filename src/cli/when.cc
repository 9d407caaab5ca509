// SPDX-License-Identifier: Apache-2.0
#include "cli/when.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "cli/words.h"

namespace berth::cli {

std::optional<base::Time> parse_iso8601(std::string_view text) {
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
  return base::from_ms(seconds * 1000 + ms);
}

std::string words(base::Duration duration) {
  const long long seconds = std::max<long long>(0, duration.count() / 1000);
  const auto two_digits = [](long long number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  if (seconds < 60) return tr("{}s", {std::to_string(seconds)});
  if (seconds < 3600)
    return tr("{}m {}s", {std::to_string(seconds / 60), two_digits(seconds % 60)});
  if (seconds < 86400)
    return tr("{}h {}m", {std::to_string(seconds / 3600), two_digits(seconds / 60 % 60)});
  return tr("{}d {}h", {std::to_string(seconds / 86400), two_digits(seconds / 3600 % 24)});
}

std::string local_time(base::Time time, base::Time now) {
  const std::time_t then = static_cast<std::time_t>(base::to_ms(time) / 1000);
  const std::time_t today = static_cast<std::time_t>(base::to_ms(now) / 1000);
  std::tm a{};
  std::tm b{};
  localtime_r(&then, &a);
  localtime_r(&today, &b);
  const bool same_day = a.tm_year == b.tm_year && a.tm_yday == b.tm_yday;
  char text[64];
  (void)std::strftime(text, sizeof text, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &a);
  return text;
}

}  // namespace berth::cli
