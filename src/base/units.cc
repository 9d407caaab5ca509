// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace berth::base {

Bytes Bytes::from_gib(double gib) {
  return Bytes{static_cast<std::int64_t>(std::llround(gib * kGiB))};
}

std::string to_text(Bytes bytes) {
  char buffer[48];
  if (bytes.value >= 0 && bytes.value < static_cast<std::int64_t>(Bytes::kGiB) &&
      bytes.value != 0) {
    std::snprintf(buffer, sizeof buffer, "%.2f MB",
                  static_cast<double>(bytes.value) / (1024.0 * 1024.0));
  } else {
    std::snprintf(buffer, sizeof buffer, "%.2f GB", bytes.gib());
  }
  return buffer;
}

Result<Bytes> parse_bytes(const std::string& text) {
  const auto refuse = [&] {
    return fail(ErrorCode::kBadRequest,
                "\"" + text +
                    "\" is not an amount of memory: write a number of GiB, or one with a unit "
                    "such as 8G, 512M or 1.5GiB");
  };
  double number = 0;
  const char* end = text.data() + text.size();
  auto [rest, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || number < 0 || !std::isfinite(number)) return refuse();
  std::string unit;
  for (; rest != end; ++rest) {
    if (*rest != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*rest)));
  }
  double factor = 0;
  if (unit.empty() || unit == "g" || unit == "gb" || unit == "gib")
    factor = Bytes::kGiB;
  else if (unit == "m" || unit == "mb" || unit == "mib")
    factor = 1024.0 * 1024.0;
  else if (unit == "k" || unit == "kb" || unit == "kib")
    factor = 1024.0;
  else if (unit == "t" || unit == "tb" || unit == "tib")
    factor = Bytes::kGiB * 1024.0;
  else if (unit == "b")
    factor = 1.0;
  else
    return refuse();
  const double bytes = number * factor;
  if (bytes > 9e18) return refuse();
  return Bytes{static_cast<std::int64_t>(bytes)};
}

}  // namespace berth::base
