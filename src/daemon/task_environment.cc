// SPDX-License-Identifier: Apache-2.0
#include "daemon/task_environment.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "daemon/allocator_hints.h"

namespace berth::daemon {

namespace {

using model::Vendor;

// "cuda:0" on any single card: inside the task the first device is always number 0.
std::string device_inside(const Grant& grant) {
  if (grant.devices.empty() || grant.devices.front().vendor == Vendor::kCpu) return "cpu";
  return std::string(model::device_prefix(grant.devices.front().vendor)) + ":0";
}

std::string uuids(const Grant& grant) {
  std::vector<std::string> ids;
  for (const auto& device : grant.devices) ids.push_back(device.id.value);
  return base::join(ids, ",");
}

std::string indices(const Grant& grant) {
  std::vector<std::string> numbers;
  for (const auto& device : grant.devices) numbers.push_back(std::to_string(device.index));
  return base::join(numbers, ",");
}

void set_visible_devices(std::map<std::string, std::string>& env, const Grant& grant) {
  for (const char* name : {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
                           "ZE_AFFINITY_MASK", "ASCEND_RT_VISIBLE_DEVICES"}) {
    env.erase(name);
  }
  env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID";
  const Vendor vendor = grant.devices.empty() ? Vendor::kCpu : grant.devices.front().vendor;
  switch (vendor) {
    case Vendor::kNvidia:
      env["CUDA_VISIBLE_DEVICES"] = uuids(grant);
      break;
    case Vendor::kAmd:
      env["ROCR_VISIBLE_DEVICES"] = uuids(grant);
      break;
    case Vendor::kIntel:
      env["ZE_AFFINITY_MASK"] = indices(grant);
      break;
    case Vendor::kAscend:
      env["ASCEND_RT_VISIBLE_DEVICES"] = indices(grant);
      break;
    case Vendor::kCpu:
      env["CUDA_VISIBLE_DEVICES"] = "";
      break;
  }
}

}  // namespace

std::optional<base::Bytes> least_memory(const Grant& grant) {
  std::optional<base::Bytes> least;
  for (const auto& device : grant.devices) {
    if (device.vendor == Vendor::kCpu || !device.total_memory) return std::nullopt;
    least = least ? std::min(*least, *device.total_memory) : *device.total_memory;
  }
  return least;
}

std::vector<std::string> task_environment(const model::TaskRecord& record, const Grant& grant) {
  std::map<std::string, std::string> env = record.env;
  for (const char* name : {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) env.try_emplace(name, value);
  }
  env.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  env.erase("BERTH_TOKEN");
  set_visible_devices(env, grant);
  env["BERTH_DEVICE"] = device_inside(grant);
  env.erase("BERTH_MEMORY_LIMIT");
  if (record.placement && !record.placement->shares.empty() &&
      record.placement->shares.front().reserved.value > 0) {
    env["BERTH_MEMORY_LIMIT"] = std::to_string(record.placement->shares.front().reserved.value);
  }
  if (record.placement) {
    for (const auto& [name, value] : allocator_hints(*record.placement, least_memory(grant)))
      env.try_emplace(name, value);
  }
  if (record.request.builtin) {
    env["OMP_NUM_THREADS"] = std::to_string(grant.threads);
    env["OMP_WAIT_POLICY"] = "PASSIVE";
    env["GOMP_SPINCOUNT"] = "20000";
  }
  std::vector<std::string> result;
  for (const auto& [name, value] : env) result.push_back(name + "=" + value);
  return result;
}

base::json::object worker_specification(const model::TaskRecord& record, const Grant& grant) {
  base::json::object specification = record.parameters;
  specification["task_id"] = record.id().value;
  specification["device"] = device_inside(grant);
  specification["threads"] = grant.threads;
  return specification;
}

}  // namespace berth::daemon
