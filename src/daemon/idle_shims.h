// SPDX-License-Identifier: Apache-2.0
// Shims whose attempt has ended and that wait for the next one: for a short task a fresh one is a
// good part of what it costs. They go when they have not been wanted for a moment. Loop thread
// only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/loop.h"
#include "supervise/launch.h"

namespace berth::daemon {

class IdleShims {
 public:
  struct Shim {
    supervise::Launched process;
    std::string cgroup;  // its own, for tasks that need none to themselves; may be empty
  };

  explicit IdleShims(Loop& loop) : loop_(loop) {}

  void add(Shim shim);
  /// The one that was wanted last.
  std::optional<Shim> take();
  /// All go.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  struct Idle {
    Shim shim;
    Clock::time_point since;
  };
  void expire();
  static void let_go(const Shim& shim);

  Loop& loop_;
  std::vector<Idle> idle_;  // the longest idle first
  Loop::Handle timer_;
};

}  // namespace berth::daemon
