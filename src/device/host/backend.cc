// SPDX-License-Identifier: Apache-2.0
#include "device/host/backend.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/fd.h"
#include "base/text.h"
#include "base/time.h"
#include "device/host/memory.h"

namespace berth::device::host {

namespace {

/// The value of the first line "<key> : <value>".
std::string first_value(const std::string& text, std::string_view wanted) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && base::trim(line.substr(0, colon)) == wanted) {
      return base::to_utf8(base::trim(line.substr(colon + 1)));
    }
    begin = end + 1;
  }
  return {};
}

/// x86 has "model name"; ARM boards have "Model" or "Hardware" or nothing but the architecture.
std::string processor_model(const std::string& root) {
  if (const auto text = base::read_file(root + "/proc/cpuinfo", 16U << 20U)) {
    for (const char* key : {"model name", "Model", "Hardware", "cpu model", "uarch"}) {
      if (std::string model = first_value(*text, key); !model.empty()) return model;
    }
  }
  utsname names{};
  return ::uname(&names) == 0 ? std::string(names.machine) + " processor" : "processor";
}

int usable_cores(const std::string& root, const CgroupLimits& limits) {
  auto cores = static_cast<int>(allowed_processors(root).size());
  if (cores == 0) cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (limits.processors)
    cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(*limits.processors))));
  return cores;
}

std::optional<Memory> usable_memory(const std::string& root, const CgroupLimits& limits) {
  auto memory = read_memory(root);
  if (!limits.memory) return memory;
  if (!memory) return limits.memory;
  memory->total = std::min(memory->total, limits.memory->total);
  memory->available = std::min(memory->available, limits.memory->available);
  return memory;
}

}  // namespace

model::DeviceId cpu_id() { return model::DeviceId("CPU"); }

std::vector<int> parse_processor_list(std::string_view text) {
  constexpr std::int64_t kMost = 65536;
  std::vector<int> processors;
  for (const std::string& part : base::split(base::trim(text), ',')) {
    const auto ends = base::split(part, '-');
    const auto first = base::parse_number(ends.front());
    const auto last = base::parse_number(ends.back());
    if (!first || !last || ends.size() > 2 || *last >= kMost) return {};
    for (auto processor = *first; processor <= *last; ++processor)
      processors.push_back(static_cast<int>(processor));
  }
  return processors;
}

std::vector<int> allowed_processors(const std::string& root) {
  const auto status = base::read_kernel_file(root + "/proc/self/status", 16384);
  return status ? parse_processor_list(first_value(*status, "Cpus_allowed_list"))
                : std::vector<int>{};
}

base::Result<model::Inventory> HostBackend::enumerate(const Breadcrumb& /*begin*/,
                                                      const SkipList& /*skip*/) {
  const CgroupLimits limits = read_cgroup_limits(root_);
  model::Device device;
  device.id = cpu_id();
  device.vendor = model::Vendor::kCpu;
  device.name = "cpu";
  device.model = processor_model(root_);
  device.cores = usable_cores(root_, limits);
  if (const auto memory = usable_memory(root_, limits)) device.total_memory = memory->total;
  if (const auto khz =
          base::read_file(root_ + "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", 4096)) {
    if (const auto number = base::parse_number(base::trim(*khz)))
      device.max_clock_mhz = static_cast<int>(*number / 1000);
  }
  model::Inventory inventory;
  inventory.devices.push_back(std::move(device));
  return inventory;
}

model::Sample HostBackend::sample(const model::DeviceId& id, const Scope& scope) {
  model::Sample sample;
  sample.device = id;
  sample.taken = base::now();
  if (const auto memory = usable_memory(root_, read_cgroup_limits(root_, Limited::kMemory))) {
    sample.total_memory = memory->total;
    sample.free_memory = memory->available;
    sample.used_memory = memory->total - memory->available;
  }
  if (scope.costly || allowed_.empty()) allowed_ = allowed_processors(root_);
  if (const auto percent = meter_.percent_of(allowed_, LoadMeter::Clock::now())) {
    sample.utilization_percent = static_cast<int>(std::lround(*percent));
  }
  return sample;
}

}  // namespace berth::device::host
