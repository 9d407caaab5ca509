// SPDX-License-Identifier: Apache-2.0
// What processes do with graphics cards, from the files that the kernel keeps beside their open
// descriptors, <root>/proc/PID/fdinfo ("DRM client usage stats", docs.kernel.org/gpu). Other users'
// files need root or CAP_SYS_PTRACE; what cannot be read is not there. NVIDIA's driver has none.
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "model/pci.h"

namespace berth::device::drm {

struct ProcessUse {
  int pid = 0;
  std::optional<base::Bytes> memory;  ///< on the card
  std::optional<int> percent;         ///< of its busiest kind of engine, since the look before
};

class FdinfoReader {
 public:
  using Clock = std::chrono::steady_clock;
  /// Cards of one machine share a look when they are read one after the other.
  static constexpr std::chrono::milliseconds kFresh{100};

  explicit FdinfoReader(std::string root) : proc_(std::move(root) + "/proc/") {}

  /// At all processes, or only at those that had a card open before: there may be thousands.
  void look(bool all, Clock::time_point now);

  /// By pid. A client that several processes have open counts once, for the lowest pid.
  [[nodiscard]] std::vector<ProcessUse> on(const model::PciAddress& card) const;
  /// Of the card's busiest kind of engine, all processes together, in percent.
  [[nodiscard]] std::optional<int> busy(const model::PciAddress& card) const;

 private:
  /// A card and a client's number, unique on it.
  using Key = std::pair<model::PciAddress, std::int64_t>;
  struct Engine {
    std::int64_t busy = 0;              // nanoseconds, or cycles
    std::optional<std::int64_t> total;  // cycles that went by, where busy counts cycles
    std::int64_t capacity = 1;          // engines of this kind
    std::optional<double> share;        // since the look before
  };
  struct Client {
    int pid = 0;
    Clock::time_point read{};
    std::optional<base::Bytes> memory;
    std::map<std::string, Engine> engines;
  };

  void look_at(int pid, Clock::time_point now, std::map<Key, Client>& found);
  static std::optional<std::pair<Key, Client>> parse(const std::string& text);
  static void compare(const Client& before, Client& now);

  std::string proc_;
  Clock::time_point looked_{};
  bool looked_at_all_ = false;
  std::set<int> known_;
  std::map<Key, Client> clients_;
};

}  // namespace berth::device::drm
