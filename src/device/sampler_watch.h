// SPDX-License-Identifier: Apache-2.0
// The daemon's side of the sampler: reads its lines, notices when the driver no longer answers, and
// decides when the child must be replaced and what the next one must leave alone. Pure logic: no
// clock, no descriptors, no threads; the daemon's loop drives it (not thread-safe):
//
//   spawn, started(now);  bytes -> feed(bytes, now);  end of file -> ended(now)
//   at deadline(): check(now); when it advises so, abandon_sampler(child, advice == kReplaceStuck),
//   spawn with skip(), started(now)
//
// A device that does not answer keeps its last readings (their age is in `taken`), is reported as
// not responding, and is tried again after 30 s, 60 s ... 10 min. A device that the driver no
// longer lists stays in the inventory as lost, so that cuda:N keeps its meaning. A MIG instance
// that is gone while its GPU answers was destroyed, and leaves it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "device/reported_failures.h"
#include "model/device.h"

namespace berth::device {

struct WatchOptions {
  std::chrono::milliseconds stall_after{2000};  // inside one device's calls
  std::chrono::milliseconds inventory_stall_after{
      10'000};                                           // identifying one device may initialise it
  std::chrono::milliseconds driver_stall_after{30'000};  // opening a driver initialises all devices
  std::chrono::milliseconds first_probe{30'000};
  std::chrono::milliseconds longest_probe{600'000};
  std::chrono::milliseconds first_respawn{250};  // after the child ended by itself
  std::chrono::milliseconds longest_respawn{30'000};
};

enum class Advice {
  kNone,
  kReplace,       // start a new child; the old one, if any, can be asked to go
  kReplaceStuck,  // the child is inside the driver: kill it, do not wait for it
};

class SamplerWatch {
 public:
  /// Not the wall clock: a step of that would look like a driver that hangs.
  using Moment = std::chrono::steady_clock::time_point;

  explicit SamplerWatch(WatchOptions options = {}) : options_(options) {}

  void started(Moment now);
  void feed(std::string_view bytes, Moment now);
  void ended(Moment now);

  /// When to call check(), if ever. Read the pipe first.
  [[nodiscard]] std::optional<Moment> deadline() const;
  Advice check(Moment now);
  /// For SamplerOptions::skip of the next child.
  [[nodiscard]] std::vector<std::string> skip() const;

  /// The last inventory with what the driver no longer lists kept; empty before the first.
  [[nodiscard]] const model::Inventory& inventory() const { return inventory_; }
  [[nodiscard]] bool has_inventory() const { return seen_inventory_; }
  /// The latest of each device that was ever read or found silent, in the inventory's order.
  [[nodiscard]] const std::vector<model::Sample>& samples() const { return samples_; }
  [[nodiscard]] const model::Sample* sample(const model::DeviceId& id) const;
  /// When a device that is left alone is tried again.
  [[nodiscard]] std::optional<Moment> next_probe(const model::Device& device) const;

  /// A device that had failed when the daemon ended stays so (ReportedFailures).
  void remember_failure(const model::DeviceId& id, const std::string& reason, base::Time now);

  /// What happened since the last call; the daemon asks after feed(), ended() and check().
  struct Changes {
    bool inventory = false;
    std::set<model::DeviceId> samples;
    std::set<model::DeviceId> health;     // of which the health is another than before
    std::optional<std::uint64_t> looked;  // the newest request that is answered
    [[nodiscard]] bool any() const { return inventory || !samples.empty(); }
  };
  Changes take_changes();

  /// Lines that could not be understood; each was passed over.
  [[nodiscard]] std::size_t malformed() const { return malformed_; }

 private:
  // What is being left alone, and until when.
  struct Quarantine {
    bool skipped = true;  // false while a child tries it again
    Moment probe{};
    std::chrono::milliseconds wait{};
    std::string reason;
  };

  void take_line(std::string_view line, Moment now);
  void take_inventory(const base::json::object& from, base::Time taken);
  void take_sample(const base::json::object& from);
  void answered(const std::string& key);
  void keep_missing(model::Inventory& fresh) const;
  void set_health(const model::DeviceId& id, model::Health health, const std::string& reason);
  void mark_unlisted();
  void quarantine(const std::string& key, const std::string& reason, Moment now);
  void spread_reason(const std::string& key, const std::string& reason);
  void put(model::Sample sample);
  [[nodiscard]] std::chrono::milliseconds patience(std::string_view key) const;
  [[nodiscard]] const Quarantine* quarantine_of(const model::Device& device) const;

  WatchOptions options_;
  bool running_ = false;
  bool stuck_ = false;
  std::string partial_;
  bool overlong_ = false;
  std::size_t malformed_ = 0;

  std::string inside_;  // key of the last begin line; empty while idle
  Moment since_{};
  std::optional<Moment> suspected_;  // first check that found it overdue
  std::string died_in_;
  std::optional<Moment> respawn_;
  std::chrono::milliseconds respawn_wait_{0};

  std::map<std::string, Quarantine> quarantined_;
  ReportedFailures failures_;
  bool seen_inventory_ = false;
  base::Time inventory_taken_{};
  std::set<model::DeviceId> listed_;  // by the driver, in the last inventory
  model::Inventory inventory_;
  std::vector<model::Sample> samples_;
  Changes changes_;
};

}  // namespace berth::device
