// SPDX-License-Identifier: Apache-2.0
#include "base/shortage.h"

#include "base/text.h"

namespace berth::base {

std::string to_text(const Shortage& shortage) {
  std::vector<std::string> said;
  for (const auto& device : shortage.devices) {
    said.push_back(fill(device.amount ? kNeedsAndHas : kNeedsAndThere,
                        {device.name, to_text(device.needed), to_text(device.available)}));
  }
  if (shortage.more > 0) said.push_back(fill(kAndMore, {std::to_string(shortage.more)}));
  return fill(shortage.what, {join(said, "; ")});
}

}  // namespace berth::base
