// SPDX-License-Identifier: Apache-2.0
#include "supervise/enforcer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/phrase.h"
#include "base/text.h"
#include "model/device_words.h"
#include "model/pci.h"
#include "supervise/device_filter.h"
#include "supervise/mps.h"

namespace berth::supervise {

namespace {

using model::Rung;
using model::Vendor;

bool is_nvidia(const model::Device& device) { return device.vendor == Vendor::kNvidia; }

std::vector<model::Device> gpus_of(const std::vector<model::Device>& devices) {
  std::vector<model::Device> gpus;
  for (const auto& device : devices) {
    if (device.vendor != Vendor::kCpu) gpus.push_back(device);
  }
  return gpus;
}

std::string find_program(const std::string& search_path, const std::string& name) {
  for (const auto& folder : base::split(search_path, ':')) {
    const std::string path = folder + "/" + name;
    if (!folder.empty() && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

int major_version(const std::string& version) {
  const auto number = base::parse_number(version.substr(0, version.find('.')));
  return number ? static_cast<int>(*number) : 0;
}

bool make_cgroup(const std::string& path) {
  return !path.empty() && (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST);
}

bool binding(const Enforcer::Task& task) {
  return model::is_binding(task.placement.rule) &&
         std::all_of(task.placement.shares.begin(), task.placement.shares.end(),
                     [](const auto& share) { return share.reserved.value > 0; });
}

}  // namespace

Enforcer::Enforcer(Options options, const Cgroups& cgroups)
    : options_(std::move(options)),
      dmem_(Dmem::detect(cgroups.mount(), cgroups.parent())),
      cgroups_available_(cgroups.available()),
      nvidia_smi_(find_program(options_.search_path, "nvidia-smi")) {
  if (!options_.fence) {
    no_fence_ = model::words::kFenceOff;
  } else if (!cgroups.available()) {
    no_fence_ = model::words::kNoCgroup;
  } else if (auto supported = device_filter_supported(); !supported) {
    no_fence_ = supported.error().message;
  }
  if (cgroups.mount() != options_.driver_cgroups || ::geteuid() != 0) nvidia_smi_.clear();
}

std::string Enforcer::text() const {
  std::string text =
      dmem_.available() ? "memory: dmem" : "memory: no kernel limit (" + dmem_.text() + ")";
  text += options_.watchdog.empty() ? ", no watchdog" : ", watchdog " + options_.watchdog;
  text +=
      no_fence_.empty() ? "; other GPUs are fenced" : "; other GPUs are not fenced: " + no_fence_;
  return text;
}

// The fence, and where there is none a limit of nothing. That is safe for a GPU that the task was
// not given, and only for its own memory (vram): a program that opens it nevertheless fails there
// as it would before the fence. It is not done for a fenced one, where no allocation can happen,
// nor for regions that are memory of the machine, which every program needs.
void Enforcer::fence(const Task& task, Measures& measures) const {
  std::set<model::DeviceNode> denied;
  std::string& missing = measures.enforcement.fence;
  missing = no_fence_;
  for (const auto& gpu : task.withheld) {
    if (gpu.nodes.empty() && missing.empty())
      missing = base::fill(model::words::kNoDeviceFile, {gpu.name});
    denied.insert(gpu.nodes.begin(), gpu.nodes.end());
  }
  // Instances of one partitioned GPU share its files, and have capabilities of their own.
  for (const auto& gpu : task.given) {
    for (const auto& node : gpu.nodes) denied.erase(node);
  }
  for (const auto& gpu : task.withheld) {
    const bool closed = std::any_of(gpu.nodes.begin(), gpu.nodes.end(),
                                    [&](const auto& node) { return denied.contains(node); });
    if (gpu.mig && !closed && missing.empty())
      missing = base::fill(model::words::kNoFileAlone, {gpu.name});
  }
  if (no_fence_.empty() && !denied.empty()) {
    const auto status = make_cgroup(task.cgroup)
                            ? deny_devices(task.cgroup, {denied.begin(), denied.end()})
                            : base::fail(base::errno_error("cannot make " + task.cgroup, errno));
    if (!status) missing = status.error().message;
  }
  measures.enforcement.fenced = missing.empty();
  if (missing.empty()) return;
  for (const auto& gpu : task.withheld) {
    const auto address = model::parse_pci(gpu.pci_bus_id);
    const bool shared =  // with an instance that was given
        std::any_of(task.given.begin(), task.given.end(),
                    [&](const auto& given) { return given.pci_bus_id == gpu.pci_bus_id; });
    if (shared) continue;
    if (address && dmem_.knows(*address) && make_cgroup(task.cgroup))
      (void)dmem_.limit(task.cgroup, *address, base::Bytes{});
  }
}

bool Enforcer::limit_by_dmem(const Task& task) const {
  if (!dmem_.available() || !make_cgroup(task.cgroup)) return false;
  bool all = true;
  for (std::size_t i = 0; i < task.given.size(); ++i) {
    const auto address = model::parse_pci(task.given[i].pci_bus_id);
    all = address && dmem_.knows(*address) &&
          dmem_.limit(task.cgroup, *address, task.placement.shares[i].reserved) && all;
  }
  return all;
}

bool Enforcer::nvidia_limits_possible(const std::vector<model::Device>& devices,
                                      const std::string& driver) const {
  if (nvidia_smi_.empty() || major_version(driver) < kFirstDriverWithLimits) return false;
  return std::all_of(devices.begin(), devices.end(), [](const auto& device) {
    return is_nvidia(device) && !device.id.value.starts_with("MIG-");
  });
}

// By the driver's own tool, which may take its time and may hang with its driver: the shim runs it,
// not the daemon, and what came of it is known once it has.
void Enforcer::plan_nvidia_limits(const Task& task, Measures& measures) const {
  if (task.cgroup.empty() || !nvidia_limits_possible(task.given, task.nvidia_driver)) return;
  if (!make_cgroup(task.cgroup)) return;
  measures.limits_program = nvidia_smi_;
  for (const auto& share : task.placement.shares)
    measures.limits.push_back(GpuLimit{share.device.value, share.reserved});
}

bool Enforcer::limit_by_mps(const Task& task, Measures& measures) const {
  if (!std::all_of(task.given.begin(), task.given.end(), is_nvidia)) return false;
  const std::string pipes = task.mps_pipes.empty() ? kMpsDefaultPipes : task.mps_pipes;
  if (!mps_runs(pipes, task.user)) return false;
  const auto limits = mps_limits(task.placement.shares);
  if (!limits) return false;
  measures.env["CUDA_MPS_PIPE_DIRECTORY"] = pipes;
  measures.env["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = *limits;
  return true;
}

model::Enforcement Enforcer::at_best(const model::Device& device, const std::string& nvidia_driver,
                                     bool mps) const {
  model::Enforcement result;
  if (device.vendor == Vendor::kCpu) return result;
  result.fence = no_fence_.empty() && device.nodes.empty()
                     ? std::string(model::words::kItsFileUnknown)
                     : no_fence_;
  result.fenced = result.fence.empty();
  const auto address = model::parse_pci(device.pci_bus_id);
  if (address && dmem_.knows(*address)) {
    result.rung = Rung::kKernel;
    result.by = "dmem";
  } else if (cgroups_available_ && nvidia_limits_possible({device}, nvidia_driver)) {
    result.rung = Rung::kKernel;
    result.by = std::string(model::words::kNvidiaLimits);
  } else if (is_nvidia(device) && mps) {
    result.rung = Rung::kMps;
    result.by = "CUDA MPS";
  } else {
    // Frameworks that Berth has hints for, and its own workers; anything else is watched.
    result.rung = Rung::kHints;
    result.by = options_.watchdog.empty() ? "allocator hints"
                                          : "allocator hints, watchdog: " + options_.watchdog;
  }
  return result;
}

Enforcer::Measures Enforcer::prepare(const Task& task) const {
  Measures measures;
  fence(task, measures);
  auto& [rung, by, fenced, why] = measures.enforcement;
  const auto gpus = gpus_of(task.given);
  if (gpus.empty() || gpus.size() != task.placement.shares.size()) return measures;
  const auto take = [&](Rung value, std::string what) {
    rung = value;
    by = std::move(what);
  };
  const bool reserves = std::any_of(task.placement.shares.begin(), task.placement.shares.end(),
                                    [](const auto& share) { return share.reserved.value > 0; });
  if (reserves && !options_.watchdog.empty())
    take(Rung::kWatchdog, "watchdog: " + (binding(task) ? options_.watchdog : "warn"));
  if (task.hinted) take(Rung::kHints, "allocator hints");
  if (!binding(task)) return measures;
  if (limit_by_mps(task, measures)) take(Rung::kMps, "CUDA MPS");
  if (limit_by_dmem(task)) {
    take(Rung::kKernel, "dmem");
  } else {
    plan_nvidia_limits(task, measures);
  }
  return measures;
}

}  // namespace berth::supervise
