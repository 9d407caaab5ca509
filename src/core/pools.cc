// SPDX-License-Identifier: Apache-2.0
#include "core/pools.h"

#include <algorithm>

#include "base/text.h"

namespace berth::core::pools {

namespace {

bool named_by(const Pool& pool, const model::Device& device) {
  const std::string name = base::lower(device.name);
  const std::string id = base::lower(device.id.value);
  // Who names a GPU means its MIG instances too.
  const std::string gpu_name = device.mig ? name.substr(0, name.rfind(':')) : name;
  const std::string gpu_id = device.mig ? base::lower(device.mig->parent.value) : id;
  return std::any_of(pool.devices.begin(), pool.devices.end(), [&](const std::string& text) {
    return text == name || text == gpu_name ||
           (text.size() > 4 && (id.rfind(text, 0) == 0 || gpu_id.rfind(text, 0) == 0));
  });
}

bool has(const Pool& pool, const model::Device& device) {
  if (!pool.devices.empty()) return named_by(pool, device);
  if (device.vendor == model::Vendor::kCpu) return false;
  const bool type = pool.gpu_type.empty() ||
                    base::lower(device.model).find(base::lower(pool.gpu_type)) != std::string::npos;
  return type && device.total_memory.value_or(Bytes{}) >= pool.min_memory;
}

bool admits(const Pool& pool, const model::Request& request) {
  return (pool.kinds.empty() || pool.kinds.contains(request.kind)) &&
         (pool.users.empty() || pool.users.contains(request.user));
}

}  // namespace

void assign(State& state) {
  for (auto& [id, device] : state.devices) {
    device.pools.clear();
    for (const auto& [name, pool] : state.config.pools) {
      if (has(pool, device.device)) device.pools.insert(name);
    }
  }
}

bool admits(const State& state, const model::Request& request, const DeviceEntry& device) {
  if (device.pools.empty()) return request.pool.empty();
  return std::any_of(device.pools.begin(), device.pools.end(), [&](const std::string& name) {
    if (!request.pool.empty() && request.pool != name) return false;
    const auto pool = state.config.pools.find(name);
    return pool != state.config.pools.end() && admits(pool->second, request);
  });
}

std::string names(const State& state) {
  std::vector<std::string> names;
  for (const auto& [name, pool] : state.config.pools) names.push_back(name);
  return base::join(names, ", ");
}

}  // namespace berth::core::pools
