// SPDX-License-Identifier: Apache-2.0
#include "core/score.h"

#include <algorithm>

#include "base/text.h"
#include "core/memory.h"

namespace berth::core {

namespace {

// Running tasks relative to the limits, in thousandths; a command counts as one full slot.
std::int64_t load(const DeviceEntry& device) {
  std::int64_t sum = 0;
  for (const Kind kind : {Kind::kTraining, Kind::kInference}) {
    sum += 1000LL * device.running_of(kind) / std::max(1, device.limits.of(kind));
  }
  return sum + 1000LL * device.running_of(Kind::kCommand);
}

std::int64_t count(const DeviceEntry& device) {
  return device.running[0] + device.running[1] + device.running[2];
}

std::int64_t free_bytes(const DeviceEntry& device) {
  return effective_free(device).value_or(Bytes{}).value;
}

std::int64_t utilization(const DeviceEntry& device) {
  return device.reading ? device.reading->utilization_percent.value_or(0) : 0;
}

// "8.6" -> 806, so that "8.10" ranks above "8.9".
std::int64_t capability(const DeviceEntry& device) {
  const auto parts = base::split(device.device.compute_capability.value_or("0.0"), '.');
  const auto part = [&](std::size_t i) {
    return i < parts.size() ? base::parse_number(parts[i]).value_or(0) : 0;
  };
  return part(0) * 100 + part(1);
}

using Keys = std::array<std::int64_t, 3>;

Keys balanced(const DeviceEntry& d) { return {load(d), -free_bytes(d), utilization(d)}; }
Keys most_free(const DeviceEntry& d) { return {-free_bytes(d), load(d), utilization(d)}; }
Keys least_loaded(const DeviceEntry& d) { return {utilization(d), load(d), -free_bytes(d)}; }
Keys pack(const DeviceEntry& d) { return {-load(d), free_bytes(d), utilization(d)}; }
Keys spread(const DeviceEntry& d) { return {count(d), -free_bytes(d), utilization(d)}; }
Keys fastest(const DeviceEntry& d) {
  return {-capability(d), -static_cast<std::int64_t>(d.device.max_clock_mhz.value_or(0)), load(d)};
}

constexpr std::array<Keys (*)(const DeviceEntry&), 6> kPolicies{balanced, most_free, least_loaded,
                                                                pack,     spread,    fastest};

// 0 among its like, 1 on an idle device, 2 beside others.
std::int64_t company(Kind kind, const DeviceEntry& device) {
  if (count(device) == 0) return 1;
  return device.running_of(kind) == count(device) ? 0 : 2;
}

}  // namespace

Score score(const State& state, const model::Request& request, const DeviceEntry& device) {
  const bool group = request.group_by_kind || state.config.group_by_kind;
  const Keys keys = kPolicies.at(static_cast<std::size_t>(request.policy))(device);
  return {group ? company(request.kind, device) : 0, keys[0], keys[1], keys[2]};
}

}  // namespace berth::core
