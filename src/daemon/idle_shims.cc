// SPDX-License-Identifier: Apache-2.0
#include "daemon/idle_shims.h"

#include <algorithm>
#include <utility>

namespace berth::daemon {

namespace {
constexpr base::Duration kPatience{1'000};
constexpr std::size_t kMost = 64;
}  // namespace

void IdleShims::add(Shim shim) {
  if (idle_.size() == kMost) return;  // its channel is closed, so it ends
  idle_.push_back({std::move(shim), Clock::now()});
  if (!timer_) timer_ = loop_.after(kPatience, [this] { expire(); });
}

std::optional<IdleShims::Shim> IdleShims::take() {
  if (idle_.empty()) return std::nullopt;
  Shim shim = std::move(idle_.back().shim);
  idle_.pop_back();
  return shim;
}

void IdleShims::expire() {
  timer_.reset();
  const auto before = Clock::now() - kPatience;
  std::erase_if(idle_, [&](const Idle& idle) { return idle.since <= before; });
  if (!idle_.empty()) timer_ = loop_.after(kPatience, [this] { expire(); });
}

}  // namespace berth::daemon
