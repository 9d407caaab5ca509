// SPDX-License-Identifier: Apache-2.0
#include "daemon/idle_shims.h"

#include <algorithm>
#include <utility>

#include "supervise/cgroup.h"
#include "supervise/process.h"

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

void IdleShims::clear() {
  timer_.reset();
  for (const auto& idle : idle_) let_go(idle.shim);
  idle_.clear();
}

// It ends when its channel is closed and takes its cgroup along, unless it has been killed.
void IdleShims::let_go(const Shim& shim) {
  if (supervise::has_ended(shim.process.pidfd.get())) (void)supervise::remove_cgroup(shim.cgroup);
}

void IdleShims::expire() {
  timer_.reset();
  const auto before = Clock::now() - kPatience;
  const auto kept = std::find_if(idle_.begin(), idle_.end(),
                                 [&](const Idle& idle) { return idle.since > before; });
  for (auto idle = idle_.begin(); idle != kept; ++idle) let_go(idle->shim);
  idle_.erase(idle_.begin(), kept);
  if (!idle_.empty()) timer_ = loop_.after(kPatience, [this] { expire(); });
}

}  // namespace berth::daemon
