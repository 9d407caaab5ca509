// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace berth::protocol {

inline bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

}  // namespace berth::protocol
