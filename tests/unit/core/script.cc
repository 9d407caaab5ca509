// SPDX-License-Identifier: Apache-2.0
#include "core/script.h"

#include <algorithm>
#include <cstdio>

#include "core/invariants.h"
#include "core/step.h"

namespace berth::core::script {

Fleet& Fleet::gpus(int count, std::string_view model, std::optional<Bytes> total,
                   model::Vendor vendor) {
  for (int i = 0; i < count; ++i) {
    model::Device device;
    device.vendor = vendor;
    device.index =
        static_cast<int>(std::count_if(devices.begin(), devices.end(), [&](const auto& other) {
          return other.vendor == vendor && !other.mig;
        }));
    char id[64];
    std::snprintf(id, sizeof id, "GPU-%04d%s-1111-2222", device.index,
                  std::string(4, "adxn"[static_cast<int>(vendor)]).c_str());
    device.id = DeviceId(id);
    device.name = std::string(model::device_prefix(vendor)) + ":" + std::to_string(device.index);
    device.model = model;
    device.total_memory = total;
    devices.push_back(std::move(device));
  }
  return *this;
}

Fleet& Fleet::capability(std::string_view version, int clock_mhz) {
  devices.back().compute_capability = std::string(version);
  devices.back().max_clock_mhz = clock_mhz;
  return *this;
}

Fleet& Fleet::speed(std::int64_t peak_gflops, int memory_gbps) {
  devices.back().peak_gflops = peak_gflops;
  devices.back().memory_gbps = memory_gbps;
  return *this;
}

Fleet& Fleet::uuid(std::string_view id) {
  devices.back().id = DeviceId(std::string(id));
  return *this;
}

Fleet& Fleet::mig(const std::vector<std::string>& profiles) {
  devices.back().partitioned = true;
  const model::Device gpu = devices.back();
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    model::Device part = gpu;
    part.partitioned = false;
    part.links.clear();
    part.id = DeviceId("MIG-" + std::to_string(i) + gpu.id.value);
    part.name = gpu.name + ":" + std::to_string(i);
    part.model = gpu.model + " MIG " + profiles[i];
    part.mig = model::MigInstance{gpu.id, static_cast<int>(i), static_cast<unsigned>(i + 1), 0,
                                  profiles[i]};
    const auto dot = profiles[i].find("g.");
    part.total_memory = Bytes{(std::stoll(profiles[i].substr(dot + 2)) << 30) - (512LL << 20)};
    devices.push_back(std::move(part));
  }
  return *this;
}

Fleet& Fleet::link(int a, int b, model::Closeness closeness, int nvlinks) {
  const auto named = [&](int index) -> model::Device& {
    return *std::find_if(devices.begin(), devices.end(), [&](const auto& device) {
      return device.name == "cuda:" + std::to_string(index);
    });
  };
  named(a).links.push_back({named(b).id, closeness, nvlinks});
  named(b).links.push_back({named(a).id, closeness, nvlinks});
  return *this;
}

Fleet& Fleet::cpu(int cores, Bytes memory) {
  model::Device device;
  device.id = DeviceId("CPU");
  device.vendor = model::Vendor::kCpu;
  device.name = "cpu";
  device.model = "a processor";
  device.cores = cores;
  device.total_memory = memory;
  devices.push_back(std::move(device));
  return *this;
}

Fleet& Fleet::without(std::string_view name) {
  std::erase_if(devices, [&](const auto& device) { return device.name == name; });
  return *this;
}

Ask& Ask::kind(Kind kind) {
  request.kind = kind;
  return *this;
}
Ask& Ask::on(std::string_view device) {
  auto selector = model::parse_selector(device);
  EXPECT_TRUE(selector) << device;
  if (selector) request.selector = *selector;
  return *this;
}
Ask& Ask::memory(double gib) {
  request.memory = Bytes::from_gib(gib);
  return *this;
}
Ask& Ask::gpus(int count) {
  request.gpus = count;
  return *this;
}
Ask& Ask::type(std::string_view text) {
  request.gpu_type = text;
  return *this;
}
Ask& Ask::exclusive() {
  request.exclusive = true;
  return *this;
}
Ask& Ask::builtin() {
  request.builtin = true;
  return *this;
}
Ask& Ask::policy(model::Policy policy) {
  request.policy = policy;
  return *this;
}
Ask& Ask::priority(int priority) {
  request.priority = priority;
  return *this;
}
Ask& Ask::signature(std::string_view text) {
  request.signature = text;
  return *this;
}
Ask& Ask::retry(int times, int backoff_s) {
  request.retry.max = times;
  request.retry.backoff = base::Duration{backoff_s * 1000};
  return *this;
}
Ask& Ask::more_memory(int percent) {
  request.retry.more_memory_percent = percent;
  return *this;
}
Ask& Ask::after(const std::string& id, bool any) {
  request.after.push_back({TaskId(id), any});
  return *this;
}
Ask& Ask::hold() {
  request.hold = true;
  return *this;
}
Ask& Ask::user(std::string_view name) {
  request.user = name;
  return *this;
}
Ask& Ask::limit(int seconds) {
  request.time_limit = base::Duration{seconds * 1000};
  return *this;
}
Ask& Ask::percent(int percent) {
  request.memory_percent = percent;
  return *this;
}
Ask& Ask::estimate(Bytes bytes) {
  request.memory_estimate = bytes;
  return *this;
}
Ask& Ask::array(std::string_view name, int index, int at_once) {
  request.array = model::ArrayPlace{std::string(name), index, 10, at_once};
  return *this;
}
Ask& Ask::pool(std::string_view name) {
  request.pool = name;
  return *this;
}
Ask& Ask::cpu_after(int seconds) {
  request.cpu_after = base::Duration{seconds * 1000};
  return *this;
}

Box::Box(const Fleet& fleet, const Config& config) {
  input(Configure{config});
  announce(fleet);
  sample();
}

Box Box::empty() { return {}; }

const std::vector<Output>& Box::announce(const Fleet& fleet) {
  return input(SetInventory{fleet.devices});
}

const std::vector<Output>& Box::sample() {
  SetReadings readings;
  for (const auto& [id, device] : state.devices) {
    if (!device.present) continue;
    const Truth& truth = truth_[id];
    Reading reading;
    reading.device = id;
    reading.health = truth.health;
    reading.health_reason = truth.reason;
    reading.utilization_percent = truth.utilization;
    reading.throttled = truth.throttled;
    reading.reserved = truth.reserved;
    if (truth.reads_memory && device.device.total_memory) {
      Bytes free = *device.device.total_memory - truth.foreign - truth.reserved.value_or(Bytes{});
      for (const auto& [task, bytes] : truth.used) {
        reading.used_by_task.emplace(TaskId(task), bytes);
        free -= bytes;
      }
      reading.total = device.device.total_memory;
      reading.free = std::max(Bytes{}, free);
    }
    readings.readings.push_back(std::move(reading));
  }
  return input(readings);
}

const std::vector<Output>& Box::exits(const std::string& id, int code, std::optional<Bytes> peak) {
  for (auto& [device, truth] : truth_) truth.used.erase(id);
  return input(Exited{TaskId(id), attempts_[TaskId(id)], model::Exit{code, {}, "exited"}, peak});
}

const std::vector<Output>& Box::runs_out_of_memory(const std::string& id,
                                                   std::optional<Bytes> peak) {
  for (auto& [device, truth] : truth_) truth.used.erase(id);
  return input(Exited{TaskId(id), attempts_[TaskId(id)], model::Exit{1, {}, "exited"}, peak, true});
}

const std::vector<Output>& Box::drain(std::vector<std::string> devices, bool on,
                                      std::string reason) {
  Drain input_of{{}, on, std::move(reason)};
  for (const auto& name : devices) input_of.devices.push_back(id_of(name));
  return input(input_of);
}

const std::vector<Output>& Box::exited(const std::string& id, int attempt, int code) {
  return input(Exited{TaskId(id), attempt, model::Exit{code, {}, "exited"}, {}});
}

const std::vector<Output>& Box::launch_failed(const std::string& id, bool again) {
  return input(LaunchFailed{TaskId(id), attempts_[TaskId(id)], again});
}

const std::vector<Output>& Box::input(const Input& input) {
  outputs = step(state, input, now);
  const auto broken = invariants::check(state);
  EXPECT_TRUE(broken.empty()) << broken.front();
  for (const auto& output : outputs) {
    if (const auto* launch = std::get_if<Launch>(&output))
      attempts_[launch->task] = launch->attempt;
    if (const auto* finished = std::get_if<Finished>(&output)) {
      ended_[finished->task] = std::string(model::to_text(finished->state));
    }
  }
  return outputs;
}

std::string Box::where(const std::string& id) const {
  const auto task = state.tasks.find(TaskId(id));
  if (task == state.tasks.end()) {
    const auto end = ended_.find(TaskId(id));
    return end == ended_.end() ? "none" : end->second;
  }
  if (!task->second.placement) return "queued";
  std::string names;
  for (const auto& share : task->second.placement->shares)
    names += (names.empty() ? "" : ",") + share.name;
  return names;
}

model::Placement Box::placement(const std::string& id) const {
  const auto task = state.tasks.find(TaskId(id));
  if (task == state.tasks.end() || !task->second.placement) {
    ADD_FAILURE() << id << " does not run";
    return model::Placement{{{}}, {}};
  }
  return *task->second.placement;
}

int Box::count(std::string_view device) const {
  return static_cast<int>(state.devices.at(id_of(device)).reservations.size());
}

Explanation Box::explain(const std::string& id) const {
  return core::explain(state, state.tasks.at(TaskId(id)));
}

std::string Box::verdict(const std::string& id, std::string_view device) const {
  for (const auto& row : explain(id).devices) {
    if (row.name != device) continue;
    const auto* refusal = std::get_if<model::Refusal>(&row.verdict);
    return refusal == nullptr ? "fits" : std::string(base::row(refusal->code).name);
  }
  return "no verdict";
}

base::Error Box::refusal() const {
  for (const auto& output : outputs) {
    if (const auto* refused = std::get_if<Refused>(&output)) return refused->error;
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

DeviceId Box::id_of(std::string_view name) const {
  const DeviceEntry* device = find_device(state, name);
  if (device == nullptr) ADD_FAILURE() << "no device " << name;
  return device == nullptr ? DeviceId() : device->device.id;
}

}  // namespace berth::core::script
