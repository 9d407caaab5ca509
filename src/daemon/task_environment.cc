// SPDX-License-Identifier: Apache-2.0
#include "daemon/task_environment.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "daemon/allocator_hints.h"
#include "model/task_type.h"
#include "model/visible_devices.h"

namespace berth::daemon {

namespace {

using model::Vendor;

void set_visible_devices(std::map<std::string, std::string>& env, const Grant& grant) {
  for (const auto& name : model::visible_variables()) env.erase(name);
  for (auto& [name, value] : model::visible_devices(grant.devices)) env[name] = value;
}

// Of each GPU, "0,1"; empty where one is not known.
std::string numa_nodes(const Grant& grant) {
  std::vector<std::string> nodes;
  for (const auto& device : grant.devices) {
    if (device.vendor == Vendor::kCpu || !device.numa_node || *device.numa_node < 0) return "";
    nodes.push_back(std::to_string(*device.numa_node));
  }
  return base::join(nodes, ",");
}

// As PyTorch names the device: also on ROCm its GPUs are "cuda".
std::string device_of_service(const Grant& grant) {
  const std::string device = model::device_inside(grant.devices);
  const bool amd = !grant.devices.empty() && grant.devices.front().vendor == Vendor::kAmd;
  return amd ? "cuda:0" : device;
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
  if (grant.account) {
    env.try_emplace("HOME", grant.account->home);
    env.try_emplace("USER", grant.account->name);
    env.try_emplace("LOGNAME", grant.account->name);
    if (!grant.account->shell.empty()) env.try_emplace("SHELL", grant.account->shell);
  }
  for (const char* name : {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) env.try_emplace(name, value);
  }
  env.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  env.erase("BERTH_TOKEN");
  set_visible_devices(env, grant);
  if (const auto& place = record.request.array) {
    env["BERTH_ARRAY_ID"] = place->array;
    env["BERTH_ARRAY_INDEX"] = std::to_string(place->index);
    env["BERTH_ARRAY_SIZE"] = std::to_string(place->size);
  }
  env["BERTH_DEVICE"] = model::device_inside(grant.devices);
  // The service would choose among all GPUs of the machine by their numbers; it has one, and that
  // is number 0.
  if (const auto choice = env.find("SENSEVOICE_DEVICE"); choice != env.end())
    choice->second = device_of_service(grant);
  env.erase("BERTH_NUMA_NODES");
  if (const std::string nodes = numa_nodes(grant); !nodes.empty()) env["BERTH_NUMA_NODES"] = nodes;
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

std::pair<std::string_view, std::string_view> worker_for(std::string_view type) {
  if (type == model::kIqDataset) return {"berth-worker-signal", "dataset"};
  if (model::is_signal(type)) return {"berth-worker-signal", type};
  if (type == model::kDatasetSplit) return {"berth-worker-prepare", "split"};
  if (type == model::kDataAugmentation) return {"berth-worker-prepare", "augment"};
  if (type == model::kImageCrop) return {"berth-worker-prepare", "crop"};
  if (type == model::kBenchmark) return {"berth-worker-vision", "benchmark"};
  return {"berth-worker-vision", model::is_training(type) ? "train" : "infer"};
}

base::json::object worker_specification(const model::TaskRecord& record, const Grant& grant) {
  base::json::object specification = record.parameters;
  specification["task_id"] = record.id().value;
  specification["device"] = model::device_inside(grant.devices);
  specification["threads"] = grant.threads;
  // A training has a process on each of its GPUs.
  const auto on_gpu = [](const model::Device& device) { return device.vendor != Vendor::kCpu; };
  const auto gpus = std::count_if(grant.devices.begin(), grant.devices.end(), on_gpu);
  if (record.request.kind == model::Kind::kTraining && gpus > 1) specification["processes"] = gpus;
  return specification;
}

}  // namespace berth::daemon
