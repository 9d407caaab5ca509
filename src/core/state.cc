// SPDX-License-Identifier: Apache-2.0
#include "core/state.h"

#include <limits>

#include "base/text.h"

namespace berth::core {

int KindLimits::of(Kind kind) const {
  switch (kind) {
    case Kind::kTraining:
      return training;
    case Kind::kInference:
      return inference;
    case Kind::kCommand:
      break;
  }
  return std::numeric_limits<int>::max();
}

QueueKey queue_key(const Config& config, const TaskEntry& task) {
  return QueueKey{base::to_ms(task.submitted) + task.request.priority * config.aging.count(),
                  task.sequence};
}

const DeviceEntry* find_device(const State& state, std::string_view name) {
  const std::string wanted = base::lower(name);
  const DeviceEntry* gone = nullptr;  // still held by tasks; its number may be another device's now
  for (const auto& [id, entry] : state.devices) {
    if (base::lower(entry.device.name) != wanted && base::lower(id.value) != wanted) continue;
    if (entry.present) return &entry;
    gone = &entry;
  }
  return gone;
}

KindLimits default_limits(const Config& config, const DeviceEntry& device) {
  for (const auto& name : device.pools) {
    const auto pool = config.pools.find(name);
    if (pool != config.pools.end() && pool->second.kind_limits) return *pool->second.kind_limits;
  }
  return device.is_cpu() ? config.cpu_limits : config.gpu_limits;
}

std::optional<Time> next_wakeup(const State& state) {
  if (state.wakeups.empty()) return std::nullopt;
  return state.wakeups.begin()->at;
}

}  // namespace berth::core
