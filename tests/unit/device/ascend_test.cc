// SPDX-License-Identifier: Apache-2.0
// Ascend chips by a stand-in for DCMI.
#include <gtest/gtest.h>

#include <cstdlib>

#include "device/tree.h"

namespace berth::device {
namespace {

class Ascend : public ::testing::Test {
 protected:
  ~Ascend() override { ::unsetenv("FAKE_DCMI"); }

  static void say(const char* words) { ::setenv("FAKE_DCMI", words, 1); }
  [[nodiscard]] Options options() const {
    Options options;
    options.nvml_library = "/nowhere/libnvidia-ml.so.1";
    options.dcmi_library = std::string(BERTH_FAKES_DIR) + "/libdcmi.so";
    options.sysfs_root = tree_.path();
    return options;
  }
  [[nodiscard]] Readout read() const { return read_samples(options()); }

  Tree tree_;
};

TEST_F(Ascend, ChipsHaveTheNumbersThatProgramsUse) {
  tree_.add_process(7001, "python3");
  const auto readout = read();
  ASSERT_EQ(readout.inventory.devices.size(), 4);
  const auto& devices = readout.inventory.devices;
  EXPECT_EQ(devices[0].name, "npu:0");
  EXPECT_EQ(devices[0].pci_bus_id, "0000:c1:00.0");
  EXPECT_EQ(devices[1].pci_bus_id, "0000:c2:00.0");
  EXPECT_EQ(devices[2].name, "npu:2");
  EXPECT_EQ(devices[2].pci_bus_id, "0000:81:00.0") << "card 2, which the driver numbers last";
  EXPECT_EQ(devices[2].id.value, "NPU-a0000200a0000201a0000202a0000203a0000204");
  EXPECT_EQ(devices[2].model, "Ascend 910B3");
  EXPECT_EQ(devices[2].total_memory, base::Bytes{64LL << 30});
  EXPECT_EQ(readout.inventory.driver_version, "24.1.rc3");

  const auto& busy = sample_of(readout, "npu:2");
  EXPECT_EQ(busy.health, model::Health::kHealthy);
  EXPECT_EQ(busy.used_memory, base::Bytes{40000LL << 20});
  EXPECT_EQ(busy.free_memory, base::Bytes{25536LL << 20});
  EXPECT_EQ(busy.utilization_percent, 93);
  EXPECT_EQ(busy.memory_utilization_percent, 12);
  EXPECT_EQ(busy.temperature_c, 51);
  EXPECT_EQ(busy.memory_temperature_c, 47);
  EXPECT_EQ(busy.power_w, 198.5);
  ASSERT_TRUE(busy.processes && busy.processes->size() == 2);
  EXPECT_EQ((*busy.processes)[0].pid, 7001);
  EXPECT_EQ((*busy.processes)[0].used_memory, base::Bytes{35LL << 30});
  EXPECT_EQ((*busy.processes)[0].command, "python3");
  EXPECT_EQ((*busy.processes)[1].state, model::ProcessState::kUnseen);
  EXPECT_EQ(sample_of(readout, "npu:0").used_memory, base::Bytes{3100LL << 20})
      << "what the system keeps counts as used";
}

TEST_F(Ascend, LackWhatTheDriverDoesNotTell) {
  say("nohbm,noprocesses,nodie");
  const auto readout = read();
  EXPECT_EQ(readout.inventory.devices[2].id.value, "NPU-card2-chip0");
  const auto& sample = sample_of(readout, "npu:2");
  EXPECT_EQ(sample.total_memory, base::Bytes{24576LL << 20});
  EXPECT_EQ(sample.used_memory, base::Bytes{4576LL << 20});
  EXPECT_EQ(sample.memory_temperature_c, std::nullopt);
  EXPECT_EQ(sample.processes, std::nullopt);
}

TEST_F(Ascend, AnAlarmFailsAChipAndOneThatIsGoneIsLost) {
  Machine machine(options());
  const auto inventory = machine.enumerate();
  say("alarm");
  auto sample = machine.sample(inventory.devices[2], Scope{});
  EXPECT_EQ(sample.health, model::Health::kFailed);
  EXPECT_EQ(sample.health_reason, "the driver reports an important alarm (health 2)");
  EXPECT_TRUE(sample.used_memory.has_value());
  say("gone");
  sample = machine.sample(inventory.devices[2], Scope{});
  EXPECT_EQ(sample.health, model::Health::kLost);
  EXPECT_FALSE(sample.used_memory.has_value());
  EXPECT_EQ(machine.sample(inventory.devices[0], Scope{}).health, model::Health::kHealthy);
  say("one");
  EXPECT_TRUE(machine.devices_changed());
  EXPECT_EQ(machine.enumerate().devices.size(), 3);
}

TEST_F(Ascend, WithoutARightToTheDriverThereIsAHint) {
  say("noinit");
  const auto inventory = read_inventory(options());
  EXPECT_EQ(inventory.devices.size(), 1);
  ASSERT_EQ(inventory.hints.size(), 2) << "of NVIDIA's library, which was named, too";
  EXPECT_NE(inventory.hints[1].find("dcmi_init gives -8002"), std::string::npos);
}

}  // namespace
}  // namespace berth::device
