// SPDX-License-Identifier: Apache-2.0
// Why no device will do, device by device: a part of an Error for who says it in another language.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/phrase.h"

namespace berth::base {

struct Shortage {
  struct Device {
    std::string name;
    Phrase needed;
    Phrase available;
    bool amount = false;  // of memory, say
  };

  std::string_view what = "";  // a pattern, which the devices fill
  std::vector<Device> devices;
  std::size_t more = 0;  // devices beside those, which are not named
};

// Of one device; of those that are not named.
inline constexpr std::string_view kNeedsAndHas = "{}: needs {}, has {}";
inline constexpr std::string_view kNeedsAndThere = "{}: needs {}, {}";
inline constexpr std::string_view kAndMore = "and {} more";

/// In English.
std::string to_text(const Shortage& shortage);

}  // namespace berth::base
