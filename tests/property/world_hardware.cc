// SPDX-License-Identifier: Apache-2.0
// The machine of a world: what devices it has, and what becomes of them.
#include <algorithm>

#include "world.h"

namespace berth::core::property {

using model::Vendor;

namespace {

constexpr std::int64_t kMib = 1LL << 20;

}  // namespace

void World::add_gpus(int count, Vendor vendor, std::string_view model, Bytes total) {
  for (int i = 0; i < count; ++i) {
    Physical gpu;
    gpu.device.vendor = vendor;
    gpu.device.model = model;
    gpu.device.total_memory = total;
    gpu.device.compute_capability =
        std::to_string(6 + random_.below(5)) + "." + std::to_string(random_.below(11));
    gpu.device.max_clock_mhz = 1000 + random_.below(1000);
    gpu.device.id = DeviceId("GPU-" + std::to_string(random_.next() % 100'000) + "-" +
                             std::to_string(devices_.size()));
    if (random_.one_in(2)) gpu.reserved = Bytes{random_.below(700) * kMib};
    devices_.push_back(gpu);
  }
}

// Some GPUs are in MIG mode, each followed by its instances, if it has any.
void World::divide_gpus() {
  std::vector<Physical> divided;
  for (auto& physical : devices_) {
    divided.push_back(physical);
    if (physical.device.vendor != Vendor::kNvidia || !random_.one_in(2)) continue;
    divided.back().device.partitioned = true;
    const int parts = random_.below(4);
    for (int i = 0; i < parts; ++i) {
      Physical part = physical;
      part.device.id = DeviceId("MIG-" + std::to_string(i) + physical.device.id.value);
      part.device.model += " MIG 1g.10gb";
      part.device.total_memory = Bytes{9'728 * kMib};
      part.device.mig = model::MigInstance{physical.device.id, i, 0, 0, "1g.10gb"};
      divided.push_back(std::move(part));
    }
  }
  devices_ = std::move(divided);
}

void World::link_gpus() {
  for (auto& from : devices_) {
    for (const auto& to : devices_) {
      const auto closeness = static_cast<model::Closeness>(random_.below(5));
      if (from.device.id != to.device.id && !from.device.mig && !to.device.mig)
        from.device.links.push_back({to.device.id, closeness, random_.below(13)});
    }
  }
}

void World::change_hardware() {
  for (auto& physical : devices_) {
    if (physical.device.vendor == Vendor::kCpu) continue;
    if (random_.one_in(20)) {
      const auto total = physical.device.total_memory->value / kMib;
      physical.foreign =
          random_.one_in(2) ? Bytes{} : Bytes{random_.below(static_cast<int>(total)) * kMib};
    }
    if (random_.one_in(150)) physical.present = !physical.present;
    if (physical.health != model::Health::kHealthy ? random_.one_in(20) : random_.one_in(200)) {
      physical.health = physical.health == model::Health::kHealthy
                            ? static_cast<model::Health>(1 + random_.below(3))
                            : model::Health::kHealthy;
    }
    if (random_.one_in(300)) physical.reads_memory = !physical.reads_memory;
  }
  for (auto* holders : {&running_, &leases_}) {
    for (auto& [id, running] : *holders) {
      for (const auto& [device, reserved] : running.reserved) {
        if (random_.one_in(5)) {  // sometimes more than it asked for
          running.used[device] =
              Bytes{reserved.value / 100 * random_.below(130) + random_.below(300) * kMib};
        }
      }
    }
  }
}

Input World::inventory() {
  SetInventory input;
  input.complete = !random_.one_in(8);
  std::map<Vendor, int> count;
  for (const auto& physical : devices_) {
    if (!physical.present || (!input.complete && random_.one_in(4))) continue;
    auto device = physical.device;
    const bool orphan =
        device.mig && std::none_of(input.devices.begin(), input.devices.end(),
                                   [&](const auto& gpu) { return gpu.id == device.mig->parent; });
    if (orphan) continue;
    // Numbers shift when one is gone.
    device.index = device.mig ? count[device.vendor] - 1 : count[device.vendor]++;
    device.name = std::string(model::device_prefix(device.vendor));
    if (device.vendor != Vendor::kCpu) device.name += ":" + std::to_string(device.index);
    if (device.mig) device.name += ":" + std::to_string(device.mig->number);
    input.devices.push_back(std::move(device));
  }
  return input;
}

}  // namespace berth::core::property
