// SPDX-License-Identifier: Apache-2.0
// Keeps a sampler process running and hands on what it reports. The daemon never waits for a
// driver: a child that is stuck is left behind and replaced. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/loop.h"
#include "device/sampler.h"
#include "device/sampler_watch.h"

namespace berth::daemon {

/// A launch waits this long for a driver.
inline constexpr base::Duration kLookPatience{100};

class DeviceFeed {
 public:
  using Changes = device::SamplerWatch::Changes;

  /// `program` is this daemon's own file.
  DeviceFeed(Loop& loop, std::string program, device::SamplerOptions options,
             std::function<void(const Changes&)> on_change);
  ~DeviceFeed();

  void start();
  [[nodiscard]] const device::SamplerWatch& watch() const { return watch_; }
  /// Hands on at once what is being gathered, so that nobody sees readings in `watch` that have not
  /// been handed on.
  void settle();
  [[nodiscard]] std::optional<base::Time> unhealthy_since(const model::DeviceId& id) const;
  void remember_failure(const model::DeviceId& id, const std::string& reason) {
    watch_.remember_failure(id, reason, base::now());
  }
  /// Asks for readings of these devices out of turn. `done` comes once: with true after the
  /// answer's readings were handed on, with false when there is none within kLookPatience. Never at
  /// once.
  void look(const std::vector<model::DeviceId>& devices, std::function<void(bool answered)> done);
  /// When a device that does not answer is tried again.
  [[nodiscard]] std::optional<base::Time> next_probe(const model::Device& device) const;

 private:
  void spawn();
  void read();
  void check();
  void arm();
  void report();
  void hand_on();
  void leave_behind(bool stuck);
  void reap();
  void answer(std::uint64_t number, bool answered);

  struct Look {
    std::function<void(bool)> done;
    Loop::Handle patience;
  };

  Loop& loop_;
  std::string program_;
  device::SamplerOptions options_;
  std::function<void(const Changes&)> on_change_;
  device::SamplerWatch watch_;
  std::map<model::DeviceId, base::Time> unhealthy_since_;
  device::SamplerChild child_;
  Loop::Handle readable_;
  Loop::Handle timer_;
  Changes pending_;  // not yet handed on
  Loop::Handle gather_;
  std::map<std::uint64_t, Look> looks_;  // under way, by number
  std::uint64_t last_look_ = 0;          // counts on when the child is replaced
  std::vector<pid_t> left_behind_;       // until the kernel lets them go
  Loop::Handle reap_timer_;
};

}  // namespace berth::daemon
