// SPDX-License-Identifier: Apache-2.0
#include "core/score.h"

#include <algorithm>

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

using Keys = std::array<std::int64_t, 3>;

Keys balanced(const Figures& f) { return {f.load, -f.free, f.utilization}; }
Keys most_free(const Figures& f) { return {-f.free, f.load, f.utilization}; }
Keys least_loaded(const Figures& f) { return {f.utilization, f.load, -f.free}; }
Keys pack(const Figures& f) { return {-f.load, f.free, f.utilization}; }
Keys spread(const Figures& f) { return {f.tasks, -f.free, f.utilization}; }
Keys fastest(const Figures& f) { return {-f.speed, -f.clock, f.load}; }

constexpr std::array<Keys (*)(const Figures&), 6> kPolicies{balanced, most_free, least_loaded,
                                                            pack,     spread,    fastest};

// 0 among its like, 1 on an idle device, 2 beside others.
std::int64_t company(Kind kind, const Figures& figures) {
  if (figures.tasks == 0) return 1;
  return figures.running.at(static_cast<std::size_t>(kind)) == figures.tasks ? 0 : 2;
}

}  // namespace

Figures figures_of(const DeviceEntry& device) {
  Figures figures;
  figures.load = load(device);
  figures.tasks = device.running[0] + device.running[1] + device.running[2];
  figures.running = device.running;
  figures.free = effective_free(device).value_or(Bytes{}).value;
  figures.utilization = device.reading ? device.reading->utilization_percent.value_or(0) : 0;
  figures.speed = model::speed(device.device);
  figures.clock = device.device.max_clock_mhz.value_or(0);
  figures.index = device.device.index;
  figures.throttled = device.reading && device.reading->throttled;
  return figures;
}

Score score(const State& state, const model::Request& request, const Figures& figures) {
  const bool group = request.group_by_kind || state.config.group_by_kind;
  const Keys keys = kPolicies.at(static_cast<std::size_t>(request.policy))(figures);
  return {figures.throttled ? 1 : 0,
          group ? company(request.kind, figures) : 0,
          keys[0],
          keys[1],
          keys[2],
          figures.index};
}

Score tier(const State& state, const model::Request& request, const Figures& figures) {
  Figures coarse = figures;
  coarse.free >>= 32U;
  coarse.utilization /= 25;
  coarse.index = 0;
  return score(state, request, coarse);
}

}  // namespace berth::core
