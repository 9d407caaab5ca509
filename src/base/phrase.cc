// SPDX-License-Identifier: Apache-2.0
#include "base/phrase.h"

#include "base/check.h"

namespace berth::base {

std::string fill(std::string_view pattern, const std::vector<std::string>& values) {
  std::string text;
  for (std::size_t next = 0;;) {
    const auto hole = pattern.find('{');
    text += pattern.substr(0, hole);
    if (hole == std::string_view::npos) return text;
    pattern.remove_prefix(hole + 1);
    std::size_t index = next;
    if (!pattern.empty() && pattern.front() >= '0' && pattern.front() <= '9') {
      index = static_cast<std::size_t>(pattern.front() - '0');
      pattern.remove_prefix(1);
    } else {
      ++next;
    }
    CHECK(!pattern.empty() && pattern.front() == '}');  // patterns are ours
    pattern.remove_prefix(1);
    if (index < values.size()) text += values[index];
  }
}

}  // namespace berth::base
