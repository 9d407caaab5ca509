// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "device/fixture.h"
#include "device/nvml/backend.h"
#include "device/process_table.h"

namespace berth::device {
namespace {

using base::Bytes;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kGiB = 1 << 30;

class Nvml : public FakeMachine {};

TEST_F(Nvml, ListsDevicesInPciOrderWhateverTheDriversOrderIs) {
  ctl("init --gpus 10 --shuffle");
  const auto inventory = read_inventory(options());
  ASSERT_EQ(inventory.devices.size(), 11U);
  EXPECT_EQ(inventory.devices[0].name, "cuda:0");
  EXPECT_EQ(inventory.devices[0].id.value, kGpu0);
  EXPECT_EQ(inventory.devices[0].pci_bus_id, "00000000:17:00.0");
  EXPECT_EQ(inventory.devices[1].id.value, kGpu1);
  EXPECT_EQ(inventory.devices[9].name, "cuda:9");
  EXPECT_EQ(inventory.devices[9].index, 9);
  EXPECT_EQ(inventory.devices[10].name, "cpu");
}

TEST_F(Nvml, DomainCountsBeforeBus) {
  ctl("init --gpus 2");
  ctl("set 0 domain=0x10000 bus=1");
  const auto inventory = read_inventory(options());
  EXPECT_EQ(inventory.devices[0].id.value, kGpu1);
  EXPECT_EQ(inventory.devices[1].pci_bus_id, "00010000:01:00.0");
}

TEST_F(Nvml, GivesWhatTheDriverKnows) {
  ctl("init --gpus 1 --memory 24G --reserved 300M --compute 8.6 --cuda 13000 --driver 580.65.06");
  ctl("set 0 utilization=37 memory_utilization=12 temperature=61 power_mw=250500 clock_mhz=1800");
  const auto readout = read_samples(options());
  EXPECT_EQ(readout.inventory.driver_version, "580.65.06");
  EXPECT_EQ(readout.inventory.cuda_version, "13.0");
  const auto& device = readout.inventory.devices[0];
  EXPECT_EQ(device.model, "NVIDIA GeForce RTX 3090");
  EXPECT_EQ(device.compute_capability, "8.6");
  EXPECT_EQ(device.total_memory, Bytes{24 * kGiB});
  EXPECT_EQ(device.max_clock_mhz, 2100);
  EXPECT_EQ(device.peak_gflops, 10496LL * 4 * 2 * 2100 / 1000);
  EXPECT_EQ(device.memory_gbps, 936);
  const auto& sample = sample_of(readout, "cuda:0");
  EXPECT_EQ(sample.health, model::Health::kHealthy);
  EXPECT_EQ(sample.total_memory, Bytes{24 * kGiB});
  EXPECT_EQ(sample.reserved_memory, Bytes{300 * kMiB});
  EXPECT_EQ(sample.used_memory, Bytes{0});
  EXPECT_EQ(sample.free_memory, Bytes{24 * kGiB - 300 * kMiB});
  EXPECT_EQ(sample.utilization_percent, 37);
  EXPECT_EQ(sample.memory_utilization_percent, 12);
  EXPECT_EQ(sample.temperature_c, 61);
  EXPECT_EQ(sample.power_w, 250.5);
  EXPECT_EQ(sample.power_limit_w, 350.0);
  EXPECT_EQ(sample.clock_mhz, 1800);
  EXPECT_EQ(sample.memory_clock_mhz, 405);
  EXPECT_EQ(sample.fan_percent, 30);
  ASSERT_TRUE(sample.processes.has_value());
  EXPECT_TRUE(sample.processes->empty());
}

TEST_F(Nvml, WhatTheDriverDoesNotGiveIsAbsentAndNotZero) {
  ctl("init --gpus 1");
  ctl("set 0 utilization=na temperature=na power_mw=na power_limit_mw=na clock_mhz=na fan=na "
      "max_clock_mhz=na cores=na");
  ctl("fail 0 'nvmlDeviceGet*RunningProcesses*' 3");
  const auto readout = read_samples(options());
  EXPECT_FALSE(readout.inventory.devices[0].max_clock_mhz);
  EXPECT_FALSE(readout.inventory.devices[0].peak_gflops);
  const auto& sample = sample_of(readout, "cuda:0");
  EXPECT_EQ(sample.health, model::Health::kHealthy);
  EXPECT_FALSE(sample.utilization_percent);
  EXPECT_FALSE(sample.temperature_c);
  EXPECT_FALSE(sample.power_w);
  EXPECT_FALSE(sample.power_limit_w);
  EXPECT_FALSE(sample.clock_mhz);
  EXPECT_FALSE(sample.fan_percent);
  EXPECT_FALSE(sample.processes);
  EXPECT_TRUE(sample.free_memory);
}

TEST_F(Nvml, CudaVersionsAsPeopleWriteThem) {
  EXPECT_EQ(nvml::cuda_version_text(12040), "12.4");
  EXPECT_EQ(nvml::cuda_version_text(13000), "13.0");
  EXPECT_EQ(nvml::cuda_version_text(11080), "11.8");
}

TEST_F(Nvml, SeesForeignProcessesAndForgetsThemWhenTheyDie) {
  ctl("init --gpus 2");
  Child foreign({fake("fakegpu-ctl"), "hold", "1", "5G", "--sm", "40"});
  Readout readout;
  ASSERT_TRUE(wait_until([&] {
    readout = read_samples(options());
    return !sample_of(readout, "cuda:1").processes->empty();
  }));
  const auto& sample = sample_of(readout, "cuda:1");
  const auto& process = sample.processes->front();
  EXPECT_EQ(process.pid, foreign.pid());
  EXPECT_EQ(process.used_memory, Bytes{5 * kGiB});
  EXPECT_EQ(process.type, "C");
  EXPECT_NE(process.command.find("fakegpu-ctl hold 1 5G"), std::string::npos) << process.command;
  EXPECT_FALSE(process.user.empty());
  EXPECT_EQ(sample.used_memory, Bytes{5 * kGiB});
  EXPECT_EQ(sample.utilization_percent, 40);
  EXPECT_TRUE(sample_of(readout, "cuda:0").processes->empty());

  foreign.kill();
  EXPECT_TRUE(wait_until(
      [&] { return sample_of(read_samples(options()), "cuda:1").used_memory == Bytes{0}; }));
}

TEST_F(Nvml, AProcessOnSeveralListsIsOneProcess) {
  ctl("init --gpus 1");
  ctl("ghost 0 1G --pid 900001 --as CG");
  ctl("ghost 0 2G --pid 900002 --as G");
  ctl("ghost 0 3G --pid 900003 --as M");
  const auto readout = read_samples(options());
  const auto& processes = *sample_of(readout, "cuda:0").processes;
  ASSERT_EQ(processes.size(), 3U);
  EXPECT_EQ(processes[0].type, "C+G");
  EXPECT_EQ(processes[0].used_memory, Bytes{kGiB});
  EXPECT_EQ(processes[1].type, "G");
  EXPECT_EQ(processes[2].type, "M");
  EXPECT_TRUE(processes[2].command.empty());  // a process of another container
  EXPECT_TRUE(processes[2].user.empty());
}

TEST_F(Nvml, MemoryOfProcessesThatTheDriverDoesNotTellIsAbsent) {
  ctl("init --gpus 1");
  ctl("ghost 0 1G --pid 900001");
  ctl("machine memory_unknown=1");
  const auto readout = read_samples(options());
  ASSERT_EQ(sample_of(readout, "cuda:0").processes->size(), 1U);
  EXPECT_FALSE(sample_of(readout, "cuda:0").processes->front().used_memory);
}

TEST_F(Nvml, ManyProcessesDoNotOverflowTheFirstGuess) {
  ctl("init --gpus 1");
  for (int i = 0; i < 100; ++i) ctl("ghost 0 10M --pid " + std::to_string(900000 + i));
  const auto readout = read_samples(options());
  EXPECT_EQ(sample_of(readout, "cuda:0").processes->size(), 100U);
}

/// The entries of each generation of drivers have another size: a wrong guess shows from the second
/// on.
class NvmlGeneration : public Nvml, public ::testing::WithParamInterface<const char*> {};

TEST_P(NvmlGeneration, ProcessListsAreReadInTheirOwnLayout) {
  ctl("init --gpus 1 --reserved 300M");
  for (int i = 1; i <= 20; ++i)
    ctl("ghost 0 " + std::to_string(i) + "M --pid " + std::to_string(900000 + i));
  const auto readout = read_samples(options(GetParam()));
  const auto& sample = sample_of(readout, "cuda:0");
  ASSERT_EQ(sample.processes->size(), 20U);
  for (int i = 1; i <= 20; ++i) {
    const auto& process = (*sample.processes)[static_cast<std::size_t>(i - 1)];
    EXPECT_EQ(process.pid, 900000 + i);
    EXPECT_EQ(process.used_memory, Bytes{i * kMiB});
  }
  const bool old = std::string(GetParam()) == "old/";
  EXPECT_EQ(sample.reserved_memory.has_value(), !old);
  // Without the newer call what the driver reserves counts as used.
  EXPECT_EQ(sample.used_memory, Bytes{210 * kMiB + (old ? 300 * kMiB : 0)});
  EXPECT_EQ(sample.free_memory, Bytes{24 * kGiB - 510 * kMiB});
  EXPECT_EQ(readout.inventory.devices[0].pci_bus_id, "00000000:17:00.0");
}

INSTANTIATE_TEST_SUITE_P(Drivers, NvmlGeneration, ::testing::Values("", "old/", "r535/"));

TEST_F(Nvml, UnifiedMemoryIsTheMachinesMemory) {
  ctl("init --gpus 1");
  ctl("set 0 memory_supported=0");
  Folder root;
  root.write("proc/meminfo",
             "MemTotal:       125829120 kB\nMemFree: 1 kB\nMemAvailable:   62914560 kB\n");
  Options with_root = options();
  with_root.sysfs_root = root.path();
  const auto readout = read_samples(with_root);
  const auto& sample = sample_of(readout, "cuda:0");
  EXPECT_EQ(sample.total_memory, Bytes{120 * kGiB});
  EXPECT_EQ(sample.free_memory, Bytes{60 * kGiB});
  EXPECT_EQ(readout.inventory.devices[0].total_memory, Bytes{120 * kGiB});
  ctl("set 0 mig=1");  // a parent of instances refuses too, but has memory of its own
  EXPECT_FALSE(sample_of(read_samples(with_root), "cuda:0").total_memory);
}

TEST_F(Nvml, ALostDeviceIsReportedAndTheOthersGoOn) {
  ctl("init --gpus 3");
  Machine machine(options());
  const auto inventory = machine.enumerate([](std::string_view) {}, {});
  ASSERT_EQ(machine.sample(inventory.devices[1], {}).health, model::Health::kHealthy);
  ctl("lose 1");
  const auto lost = machine.sample(inventory.devices[1], {});
  EXPECT_EQ(lost.health, model::Health::kLost);
  EXPECT_EQ(lost.health_reason, "GPU is lost");
  EXPECT_FALSE(lost.free_memory);
  EXPECT_FALSE(lost.processes);
  EXPECT_EQ(machine.sample(inventory.devices[2], {}).health, model::Health::kHealthy);
  const auto again = machine.enumerate([](std::string_view) {}, {});
  EXPECT_EQ(again.devices.size(), 3U);  // two GPUs, the processor
  ASSERT_EQ(again.hints.size(), 1U);
  EXPECT_NE(again.hints[0].find("GPU is lost"), std::string::npos);
  EXPECT_TRUE(machine.incomplete());
  ctl("recover 1");
  EXPECT_EQ(machine.enumerate([](std::string_view) {}, {}).devices.size(), 4U);
}

TEST_F(Nvml, ADeviceThatMayNotBeOpenedIsLeftOutWithAHint) {
  ctl("init --gpus 2");
  ctl("fail 0 'nvmlDeviceGetHandleByIndex*' 4");
  const auto inventory = read_inventory(options());
  ASSERT_EQ(inventory.devices.size(), 2U);
  EXPECT_EQ(inventory.devices[0].id.value, kGpu1);
  ASSERT_EQ(inventory.hints.size(), 1U);
  EXPECT_NE(inventory.hints[0].find("Insufficient Permissions"), std::string::npos);
}

TEST_F(Nvml, ASkippedDeviceKeepsItsNumberButIsNotRead) {
  ctl("init --gpus 2");
  ctl("block 0 'nvmlDeviceGetMemoryInfo*' forever");
  const auto inventory = Machine(options()).enumerate([](std::string_view) {}, {kGpu0});
  ASSERT_EQ(inventory.devices.size(), 3U);
  EXPECT_EQ(inventory.devices[0].name, "cuda:0");
  EXPECT_FALSE(inventory.devices[0].total_memory);
  EXPECT_EQ(inventory.devices[1].name, "cuda:1");
  EXPECT_TRUE(inventory.devices[1].total_memory);
}

TEST_F(Nvml, HotAdditionAndRemovalChangeTheCount) {
  ctl("init --gpus 3");
  Machine machine(options());
  static_cast<void>(machine.enumerate([](std::string_view) {}, {}));
  EXPECT_FALSE(machine.devices_changed());
  ctl("machine count=2");
  EXPECT_TRUE(machine.devices_changed());
}

TEST_F(Nvml, WithoutALibraryThereIsACardForNoTasksAndAHint) {
  Folder root;
  root.write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
  root.write("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
  root.write("sys/bus/pci/devices/0000:01:00.1/vendor", "0x10de\n");
  root.write("sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n");  // its sound device
  Options missing;
  missing.nvml_library = root.path() + "/libnvidia-ml.so.1";
  missing.sysfs_root = root.path();
  const auto inventory = read_inventory(missing);
  ASSERT_EQ(inventory.devices.size(), 2U);
  EXPECT_EQ(inventory.devices[0].name, "cuda:0");
  EXPECT_EQ(inventory.devices[0].no_tasks, "it has no driver");
  EXPECT_EQ(inventory.devices[1].name, "cpu");
  ASSERT_EQ(inventory.hints.size(), 1U);
  EXPECT_NE(inventory.hints[0].find("0000:01:00.0)"), std::string::npos);
  EXPECT_NE(inventory.hints[0].find("nvidia-driver"), std::string::npos);
}

TEST_F(Nvml, WithoutADriverTheLibrarysWordsAreTheHint) {
  const auto inventory = read_inventory(options());  // no ledger was made
  ASSERT_EQ(inventory.devices.size(), 1U);
  ASSERT_EQ(inventory.hints.size(), 1U);
  EXPECT_NE(inventory.hints[0].find("Driver Not Loaded"), std::string::npos);
}

TEST(ProcessTable, TextFollowsAnotherProcessUnderTheSamePid) {
  Folder root;
  const std::string tail = ") S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ";
  root.write("proc/77/stat", "77 (a b) c" + tail + "100 0\n");
  root.write("proc/77/cmdline", std::string("python\0train.py\0", 16));
  ProcessTable table(root.path(), {});
  EXPECT_EQ(table.describe(77, false).command, "python train.py");
  root.write("proc/77/cmdline", std::string("other\0", 6));
  EXPECT_EQ(table.describe(77, true).command,
            "python train.py");  // same start time: not read again
  root.write("proc/77/stat", "77 (a b) c" + tail + "200 0\n");
  EXPECT_EQ(table.describe(77, false).command, "python train.py");
  EXPECT_EQ(table.describe(77, true).command, "other");
  EXPECT_TRUE(table.describe(78, true).user.empty());
}

TEST(ProcessTable, SaysWhoIsLeftBehind) {
  using model::ProcessState;
  Folder root;
  // state, parent, process group, session
  const auto write = [&](int pid, const std::string& fields) {
    const std::string number = std::to_string(pid);
    root.write("proc/" + number + "/stat",
               number + " (python) " + fields + " 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0\n");
  };
  write(1, "S 0 1 1");
  write(50, "S 1 50 50");   // a shell
  write(60, "S 50 60 50");  // its job
  write(61, "R 60 60 50");  // the job's helper
  write(71, "R 50 70 50");  // of a pipeline whose first program has ended
  write(81, "R 1 80 50");   // the helper of a job that has ended
  write(82, "R 90 80 50");  // the same, taken in by somebody else
  write(90, "S 1 90 90");
  write(95, "Z 50 95 50");
  write(96, "S 1 96 96");  // a service
  ProcessTable table(root.path(), {});
  const auto state = [&](int pid) { return table.describe(pid, true).state; };
  EXPECT_EQ(state(60), ProcessState::kAlive);
  EXPECT_EQ(state(61), ProcessState::kAlive);
  EXPECT_EQ(state(71), ProcessState::kAlive);
  EXPECT_EQ(state(81), ProcessState::kOrphan);
  EXPECT_EQ(state(82), ProcessState::kOrphan);
  EXPECT_EQ(state(95), ProcessState::kZombie);
  EXPECT_EQ(state(96), ProcessState::kAlive);
  EXPECT_EQ(state(97), ProcessState::kUnseen);
  write(61, "R 1 62 50");  // found out although it is known
  EXPECT_EQ(state(61), ProcessState::kOrphan);
}

TEST(VisibleDevices, AreCleared) {
  ::setenv("CUDA_VISIBLE_DEVICES", "3", 1);
  ::setenv("ASCEND_RT_VISIBLE_DEVICES", "1", 1);
  ::setenv("VISIBLE", "stays", 1);
  clear_visible_devices();
  EXPECT_EQ(std::getenv("CUDA_VISIBLE_DEVICES"), nullptr);
  EXPECT_EQ(std::getenv("ASCEND_RT_VISIBLE_DEVICES"), nullptr);
  EXPECT_STREQ(std::getenv("VISIBLE"), "stays");
}

}  // namespace
}  // namespace berth::device
