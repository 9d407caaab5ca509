// SPDX-License-Identifier: Apache-2.0
#include "base/priority.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>

namespace berth::base {

namespace {

constexpr int kBefore = 5;
constexpr int kLowest = -20;

std::optional<int> usual;

}  // namespace

// setpriority(2) of Linux is about one thread, and 0 is the calling one.
int usual_nice() { return usual.value_or(::getpriority(PRIO_PROCESS, 0)); }

bool raise_priority() {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  if (::setpriority(PRIO_PROCESS, 0, std::max(kLowest, before - kBefore)) != 0) return false;
  usual = before;
  return true;
}

void usual_priority() {
  if (usual) ::setpriority(PRIO_PROCESS, 0, *usual);
}

}  // namespace berth::base
