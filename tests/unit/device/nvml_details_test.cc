// SPDX-License-Identifier: Apache-2.0
// What NVIDIA's driver tells beyond memory and load: PCI Express, errors, slow clocks, video
// engines, energy, and what each process does.
#include "device/fixture.h"

namespace berth::device {
namespace {

class NvmlDetails : public FakeMachine {
 protected:
  NvmlDetails() { ctl("init --gpus 2"); }
};

TEST_F(NvmlDetails, AreReadWithTheCostlyReadings) {
  ctl("set 0 encoder=12 decoder=73 memory_temperature=88 pcie_width=8 energy_mj=5000123 ecc=1 "
      "ecc_errors=3 clock_reasons=0x65");
  const auto readout = read_samples(options());
  const auto& sample = sample_of(readout, "cuda:0");
  EXPECT_EQ(sample.encoder_percent, 12);
  EXPECT_EQ(sample.decoder_percent, 73);
  EXPECT_EQ(sample.memory_temperature_c, 88);
  EXPECT_EQ(sample.pcie, (model::PcieLink{4, 8}));
  EXPECT_EQ(sample.energy_mj, 5000123);
  EXPECT_EQ(sample.ecc_corrected, 0);
  EXPECT_EQ(sample.ecc_uncorrected, 3);
  // 0x1 is that it is idle, which is no reason to tell.
  EXPECT_EQ(sample.throttle,
            (std::vector<std::string>{"power limit", "temperature", "temperature (hardware)"}));
  EXPECT_EQ(sample.xid, std::nullopt);
  const auto& other = sample_of(readout, "cuda:1");
  EXPECT_EQ(other.memory_temperature_c, std::nullopt);
  EXPECT_EQ(other.ecc_corrected, std::nullopt) << "a card without such memory";
  EXPECT_EQ(other.throttle, std::vector<std::string>{});
}

TEST_F(NvmlDetails, AreKeptWhereOnlyTheCheapReadingsAreTaken) {
  ctl("set 0 encoder=12 energy_mj=1000");
  Machine machine(options());
  const auto inventory = machine.enumerate();
  static_cast<void>(machine.sample(inventory.devices[0], Scope{}));
  ctl("set 0 encoder=50 energy_mj=2000");
  const auto sample = machine.sample(inventory.devices[0], Scope{false, false});
  EXPECT_EQ(sample.encoder_percent, 12);
  EXPECT_EQ(sample.energy_mj, 2000);
}

TEST_F(NvmlDetails, ProcessesHaveTheirShareOfTheComputeUnits) {
  const Child busy({fake("fakegpu-ctl"), "hold", "0", "1G", "--sm", "40"});
  const Child idle({fake("fakegpu-ctl"), "hold", "0", "2G"});
  Machine machine(options());
  const auto inventory = machine.enumerate();
  model::Sample sample;
  ASSERT_TRUE(wait_until([&] {
    sample = machine.sample(inventory.devices[0], Scope{});
    return sample.processes && sample.processes->size() == 2;
  }));
  for (const auto& process : *sample.processes)
    EXPECT_EQ(process.utilization_percent, process.pid == busy.pid() ? 40 : 0);
}

TEST_F(NvmlDetails, AnErrorOfAProgramIsToldAndNoMore) {
  Machine machine(options());
  const auto inventory = machine.enumerate();
  ctl("xid 0 31");
  const auto sample = machine.sample(inventory.devices[0], Scope{});
  EXPECT_EQ(sample.xid, 31);
  EXPECT_EQ(sample.health, model::Health::kHealthy);
  EXPECT_EQ(machine.sample(inventory.devices[1], Scope{}).xid, std::nullopt);
}

TEST_F(NvmlDetails, AnErrorThatNeedsAResetFailsTheDevice) {
  Machine machine(options());
  auto inventory = machine.enumerate();
  ctl("xid 0 119");
  auto sample = machine.sample(inventory.devices[0], Scope{});
  EXPECT_EQ(sample.xid, 119);
  ctl("xid 0 13");  // what comes after it does not mend it
  sample = machine.sample(inventory.devices[0], Scope{});
  EXPECT_EQ(sample.health, model::Health::kFailed);
  EXPECT_EQ(sample.xid, 13);
  ctl("xid 1 79");
  sample = machine.sample(inventory.devices[1], Scope{});
  EXPECT_EQ(sample.health, model::Health::kFailed);
  EXPECT_EQ(sample.health_reason,
            "XID 79: it has fallen off the bus; it must be reset (nvidia-smi -r)");
  inventory = machine.enumerate();
  EXPECT_EQ(machine.sample(inventory.devices[1], Scope{}).health, model::Health::kFailed)
      << "looking at the list again does not mend it either";
}

}  // namespace
}  // namespace berth::device
