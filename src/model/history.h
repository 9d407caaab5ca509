// SPDX-License-Identifier: Apache-2.0
// Readings of a device over time, in steps of a second, a minute and a quarter of an hour: the
// finer a step, the shorter it is kept.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/device.h"

namespace berth::model {

enum class Metric : std::uint8_t {
  kUsedMemory,         ///< GiB
  kUtilization,        ///< percent of the compute units
  kMemoryUtilization,  ///< percent of the memory's bandwidth
  kTemperature,        ///< °C
  kPower,              ///< W
};
inline constexpr std::size_t kMetrics = 5;
/// "used_memory_gb", "utilization", ...
std::string_view to_text(Metric metric);

struct HistoryStep {
  std::int64_t seconds;  ///< long
  std::int64_t keep;     ///< so many seconds
};
inline constexpr std::array<HistoryStep, 3> kHistorySteps{
    {{1, 3600}, {60, 7 * 86'400}, {900, 365 * 86'400}}};

/// The finest step that is still kept for `from` and gives at most `most` points until `to`
/// (seconds since 1970), else the coarsest.
const HistoryStep& step_for(std::int64_t from, std::int64_t to, std::int64_t now,
                            std::int64_t most);

struct HistoryPoint {
  struct Value {
    double mean = 0;
    double most = 0;
    bool operator==(const Value&) const = default;
  };

  std::int64_t at = 0;    ///< begin, seconds since 1970
  std::int64_t step = 1;  ///< seconds
  int seconds = 0;        ///< of which there are readings
  std::array<std::optional<Value>, kMetrics> values;
  bool operator==(const HistoryPoint&) const = default;

  [[nodiscard]] const std::optional<Value>& of(Metric metric) const {
    return values.at(static_cast<std::size_t>(metric));
  }
};

/// One second of a device.
HistoryPoint point_of(const Sample& sample, std::int64_t second);
/// Takes a finer point into a coarser one, whose `at` and `step` stay.
void add(HistoryPoint& to, const HistoryPoint& finer);

/// [{"at", "seconds", "used_memory_gb", "used_memory_gb_max", ...}]; what is not known is null.
base::json::array to_json(const std::vector<HistoryPoint>& points);
/// The same with a line of names and a column for the device.
std::string to_csv(std::string_view device, const std::vector<HistoryPoint>& points, bool names);

}  // namespace berth::model
