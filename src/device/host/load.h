// SPDX-License-Identifier: Apache-2.0
// How busy the processors are, from the differences of two readings of <root>/proc/stat that the
// object keeps; it never sleeps. Reads only /proc: safe on the daemon's loop. Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace berth::device::host {

/// The fields of GET /api/v2/resources/cpu. Percentages are absent before the second reading.
struct CpuLoad {
  std::optional<double> percent;  // of all processors, 0..100, one decimal
  std::vector<std::optional<double>> per_cpu_percent;
  int cores = 0;  // logical processors that are online
  std::optional<int> physical_cores;
  std::optional<double> freq_mhz;                 // mean of the current clocks
  std::optional<std::array<double, 3>> load_avg;  // over 1, 5 and 15 minutes
  std::optional<double> memory_percent;           // used = total - available
};

/// {"percent", "per_cpu_percent", "cores", "physical_cores", "freq_mhz", "load_avg":
/// {"1","5","15"}, "memory_percent"}; what is absent is null.
base::json::object to_json(const CpuLoad& load);

class LoadMeter {
 public:
  using Clock = std::chrono::steady_clock;
  /// Readings closer together than this repeat the last answer: /proc/stat counts in 10 ms.
  static constexpr std::chrono::milliseconds kShortest{100};

  explicit LoadMeter(std::string root) : root_(std::move(root)) {}

  CpuLoad read(Clock::time_point now);
  /// Percent over the given processors only (numbers as in /proc/stat), from the same readings.
  std::optional<double> percent_of(const std::vector<int>& processors, Clock::time_point now);

 private:
  struct Ticks {
    std::uint64_t busy = 0;
    std::uint64_t all = 0;
  };
  struct Reading {
    Clock::time_point taken{};
    std::vector<std::pair<int, Ticks>> processors;  // by number, ascending
  };

  void refresh(Clock::time_point now);
  [[nodiscard]] static std::optional<Ticks> find(const Reading& reading, int processor);

  std::string root_;
  std::optional<Reading> before_;
  std::optional<Reading> latest_;
};

}  // namespace berth::device::host
