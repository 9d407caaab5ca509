// SPDX-License-Identifier: Apache-2.0
// GPUs in MIG mode: their instances are devices.
#include "device/fixture.h"

namespace berth::device {
namespace {

using base::Bytes;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kGiB = 1 << 30;

class Mig : public FakeMachine {
 protected:
  Mig() {
    ctl("init --gpus 2 --model 'NVIDIA A100-SXM4-80GB' --memory 80G --compute 8.0");
    ctl("mig 0 1g.10gb 1g.10gb 3g.40gb");
  }
  static std::vector<std::string> names(const model::Inventory& inventory) {
    std::vector<std::string> names;
    for (const auto& device : inventory.devices) names.push_back(device.name);
    return names;
  }
  using Names = std::vector<std::string>;
  static constexpr auto kNoCrumbs = [](std::string_view) {};
};

TEST_F(Mig, InstancesFollowTheirGpuAndTheOthersKeepTheirNumbers) {
  const auto inventory = read_inventory(options());
  EXPECT_EQ(names(inventory),
            (Names{"cuda:0", "cuda:0:0", "cuda:0:1", "cuda:0:2", "cuda:1", "cpu"}));
  EXPECT_TRUE(inventory.hints.empty());
  const auto& gpu = inventory.devices[0];
  EXPECT_TRUE(gpu.partitioned);
  EXPECT_FALSE(gpu.mig);
  EXPECT_FALSE(inventory.devices[4].partitioned);
  const auto& part = inventory.devices[3];
  EXPECT_TRUE(part.id.value.starts_with("MIG-")) << part.id.value;
  EXPECT_EQ(part.model, "NVIDIA A100-SXM4-80GB MIG 3g.40gb");
  EXPECT_EQ(part.index, 0);
  EXPECT_EQ(part.pci_bus_id, gpu.pci_bus_id);
  EXPECT_EQ(part.compute_capability, "8.0");
  EXPECT_EQ(part.total_memory, Bytes{40 * kGiB - 512 * kMiB});
  ASSERT_TRUE(part.mig);
  EXPECT_EQ(*part.mig, (model::MigInstance{gpu.id, 2, 3, 0, "3g.40gb"}));
}

TEST_F(Mig, AnInstanceHasMemoryAndProcessesOfItsOwnAndNoLoad) {
  ctl("set 0 utilization=50 temperature=66");
  ctl("ghost 0:1 2G --pid 900001");
  ctl("ghost 0:2 5G --pid 900002");
  const auto readout = read_samples(options());
  const auto& part = sample_of(readout, "cuda:0:1");
  EXPECT_EQ(part.health, model::Health::kHealthy);
  EXPECT_EQ(part.total_memory, Bytes{10 * kGiB - 512 * kMiB});
  EXPECT_EQ(part.used_memory, Bytes{2 * kGiB});
  EXPECT_EQ(part.reserved_memory, Bytes{16 * kMiB});
  EXPECT_EQ(part.free_memory, Bytes{8 * kGiB - 528 * kMiB});
  ASSERT_TRUE(part.processes);
  ASSERT_EQ(part.processes->size(), 1U);
  EXPECT_EQ(part.processes->front().pid, 900001);
  EXPECT_EQ(part.processes->front().used_memory, Bytes{2 * kGiB});
  EXPECT_FALSE(part.utilization_percent);
  EXPECT_FALSE(part.temperature_c);
  EXPECT_FALSE(part.power_w);
  EXPECT_TRUE(sample_of(readout, "cuda:0:0").processes->empty());
  // The GPU itself is read too, but not what its instances are read for.
  const auto& gpu = sample_of(readout, "cuda:0");
  EXPECT_EQ(gpu.temperature_c, 66);
  EXPECT_FALSE(gpu.utilization_percent);
  EXPECT_FALSE(gpu.processes);
}

TEST_F(Mig, MemoryThatTheDriverDoesNotTellIsNotTheMachines) {
  ctl("set 0 memory_supported=0");
  Folder root;
  root.write("proc/meminfo", "MemTotal: 125829120 kB\nMemAvailable: 62914560 kB\n");
  Options with_root = options();
  with_root.sysfs_root = root.path();
  const auto readout = read_samples(with_root);
  EXPECT_FALSE(sample_of(readout, "cuda:0:0").total_memory);
  EXPECT_FALSE(sample_of(readout, "cuda:0").total_memory);
}

TEST_F(Mig, ALostGpuTakesItsInstancesWithIt) {
  Machine machine(options());
  const auto inventory = machine.enumerate(kNoCrumbs, {});
  ctl("lose 0");
  for (const int i : {0, 1, 2, 3}) {
    const auto sample = machine.sample(inventory.devices[static_cast<std::size_t>(i)], {});
    EXPECT_EQ(sample.health, model::Health::kLost) << i;
    EXPECT_EQ(sample.health_reason, "GPU is lost");
    EXPECT_FALSE(sample.free_memory);
  }
  EXPECT_EQ(machine.sample(inventory.devices[4], {}).health, model::Health::kHealthy);
  EXPECT_FALSE(machine.devices_changed()) << "a GPU that does not answer is no reconfiguration";
}

TEST_F(Mig, ReconfigurationIsNoticed) {
  Machine machine(options());
  auto inventory = machine.enumerate(kNoCrumbs, {});
  EXPECT_FALSE(machine.devices_changed());
  EXPECT_FALSE(machine.incomplete());
  ctl("mig 0 3g.40gb 1g.10gb");
  EXPECT_TRUE(machine.devices_changed());
  // cuda:0:0 was 1g.10gb: the same handle, another instance.
  const auto gone = machine.sample(inventory.devices[1], {});
  EXPECT_EQ(gone.health, model::Health::kLost);
  EXPECT_EQ(gone.health_reason, "the MIG instance is no longer there");
  EXPECT_FALSE(gone.free_memory);
  const auto same = machine.sample(inventory.devices[2], {});
  EXPECT_EQ(same.health, model::Health::kHealthy) << "made again as it was";
  EXPECT_EQ(machine.sample(inventory.devices[3], {}).health, model::Health::kLost);

  inventory = machine.enumerate(kNoCrumbs, {});
  EXPECT_EQ(names(inventory), (Names{"cuda:0", "cuda:0:0", "cuda:0:1", "cuda:1", "cpu"}));
  EXPECT_EQ(inventory.devices[1].mig->profile, "3g.40gb");
  EXPECT_FALSE(machine.devices_changed());
}

TEST_F(Mig, TheModeGoesOnAndOff) {
  Machine machine(options());
  static_cast<void>(machine.enumerate(kNoCrumbs, {}));
  ctl("mig 0 off");
  EXPECT_TRUE(machine.devices_changed());
  auto inventory = machine.enumerate(kNoCrumbs, {});
  EXPECT_EQ(names(inventory), (Names{"cuda:0", "cuda:1", "cpu"}));
  EXPECT_FALSE(inventory.devices[0].partitioned);
  ctl("mig 1");
  EXPECT_TRUE(machine.devices_changed());
  inventory = machine.enumerate(kNoCrumbs, {});
  EXPECT_EQ(names(inventory), (Names{"cuda:0", "cuda:1", "cpu"}));
  EXPECT_TRUE(inventory.devices[1].partitioned);
  ASSERT_EQ(inventory.hints.size(), 1U);
  EXPECT_TRUE(inventory.hints[0].starts_with("cuda:1 is in MIG mode and has no instance"))
      << inventory.hints[0];
  EXPECT_FALSE(machine.devices_changed());
}

TEST_F(Mig, ASkippedGpuHasNoInstancesAndASkippedInstanceIsNotRead) {
  const auto gpu_skipped = Machine(options()).enumerate(kNoCrumbs, {kGpu0});
  EXPECT_EQ(names(gpu_skipped), (Names{"cuda:0", "cuda:1", "cpu"}));
  const std::string part = read_inventory(options()).devices[1].id.value;
  Machine machine(options());
  const auto inventory = machine.enumerate(kNoCrumbs, {part});
  ASSERT_EQ(inventory.devices.size(), 6U);
  EXPECT_EQ(inventory.devices[1].id.value, part);
  EXPECT_TRUE(inventory.devices[1].model.empty());
  EXPECT_FALSE(inventory.devices[1].total_memory);
  EXPECT_TRUE(inventory.devices[2].total_memory);
}

TEST_F(Mig, ADriverFromBeforeMigHasWholeGpus) {
  ctl("fail 0 nvmlDeviceGetMigMode 3");
  EXPECT_EQ(names(read_inventory(options())), (Names{"cuda:0", "cuda:1", "cpu"}));
}

}  // namespace
}  // namespace berth::device
