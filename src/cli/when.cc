// SPDX-License-Identifier: Apache-2.0
#include "cli/when.h"

#include <algorithm>
#include <ctime>

#include "cli/words.h"

namespace berth::cli {

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
