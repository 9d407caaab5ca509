// SPDX-License-Identifier: Apache-2.0
#include "device/fixture.h"
#include "device/host/backend.h"
#include "device/host/memory.h"

namespace berth::device::host {
namespace {

using base::Bytes;
using std::chrono::milliseconds;

constexpr std::int64_t kGiB = 1 << 30;

/// Four processors, of which this process may use 0, 1 and 3; 16 GiB, 10 of them available.
class Host : public ::testing::Test {
 protected:
  Host() {
    std::string cpuinfo;
    for (int i = 0; i < 4; ++i) {
      cpuinfo +=
          "processor\t: " + std::to_string(i) +
          "\nmodel name\t: Fictional CPU @ 3.0GHz\ncpu MHz\t\t: " + std::to_string(2000 + 100 * i) +
          ".0\nphysical id\t: 0\ncore id\t\t: " + std::to_string(i / 2) + "\n\n";
    }
    root_.write("proc/cpuinfo", cpuinfo);
    root_.write(
        "proc/meminfo",
        "MemTotal:       16777216 kB\nMemFree:          100 kB\nMemAvailable:   10485760 kB\n");
    root_.write("proc/self/status", "Name:\tx\nCpus_allowed:\tb\nCpus_allowed_list:\t0-1,3\n");
    root_.write("proc/loadavg", "0.50 1.25 2.00 1/100 4242\n");
    root_.write("proc/self/cgroup", "0::/a/b\n");
    stat(0, 0, 0);
  }

  /// Ticks of processor 0 and 1 that were busy, and of each that were idle.
  void stat(int busy0, int busy1, int idle) {
    const auto line = [&](const std::string& name, int busy) {
      return name + " " + std::to_string(busy) + " 0 0 " + std::to_string(1000 + idle - busy) +
             " 0 0 0 0 0 0\n";
    };
    root_.write("proc/stat", line("cpu ", busy0 + busy1) + line("cpu0", busy0) +
                                 line("cpu1", busy1) + line("cpu2", 0) + line("cpu3", 0) +
                                 "intr 1\n");
  }

  model::Device device() { return HostBackend(root_.path()).enumerate({}, {})->devices.at(0); }

  Folder root_;
};

TEST_F(Host, IsADeviceLikeOthers) {
  const auto cpu = device();
  EXPECT_EQ(cpu.id.value, "CPU");
  EXPECT_EQ(cpu.name, "cpu");
  EXPECT_EQ(cpu.vendor, model::Vendor::kCpu);
  EXPECT_EQ(cpu.model, "Fictional CPU @ 3.0GHz");
  EXPECT_EQ(cpu.cores, 3);
  EXPECT_EQ(cpu.total_memory, Bytes{16 * kGiB});
  const auto sample = HostBackend(root_.path()).sample(cpu_id(), {});
  EXPECT_EQ(sample.free_memory, Bytes{10 * kGiB});
  EXPECT_EQ(sample.used_memory, Bytes{6 * kGiB});
  EXPECT_FALSE(sample.utilization_percent);  // one reading tells nothing
  EXPECT_FALSE(sample.processes);
}

TEST_F(Host, ACgroupAnywhereAboveBoundsCoresAndMemory) {
  root_.write("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  root_.write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  root_.write("sys/fs/cgroup/a/memory.max", std::to_string(8 * kGiB) + "\n");
  root_.write("sys/fs/cgroup/a/memory.current", std::to_string(5 * kGiB) + "\n");
  root_.write("sys/fs/cgroup/a/memory.stat",
              "anon 1\ninactive_file " + std::to_string(2 * kGiB) + "\n");
  root_.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  EXPECT_EQ(device().cores, 2);
  EXPECT_EQ(device().total_memory, Bytes{8 * kGiB});
  EXPECT_EQ(HostBackend(root_.path()).sample(cpu_id(), {}).free_memory, Bytes{5 * kGiB});
}

TEST_F(Host, AQuotaBelowOneProcessorIsOneCore) {
  root_.write("sys/fs/cgroup/cpu.max", "20000 100000\n");
  EXPECT_EQ(device().cores, 1);
}

TEST_F(Host, VersionOneCgroupsCountToo) {
  root_.write("proc/self/cgroup", "4:memory:/job\n1:cpu,cpuacct:/job\n0::/\n");
  root_.write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "200000\n");
  root_.write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  root_.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", std::to_string(4 * kGiB));
  root_.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", std::to_string(kGiB));
  root_.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  root_.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1");
  EXPECT_EQ(device().cores, 2);
  EXPECT_EQ(device().total_memory, Bytes{4 * kGiB});
}

TEST_F(Host, LoadIsTheDifferenceOfTwoReadings) {
  LoadMeter meter(root_.path());
  LoadMeter::Clock::time_point now{};
  auto load = meter.read(now);
  EXPECT_FALSE(load.percent);
  EXPECT_EQ(load.cores, 4);
  EXPECT_EQ(load.physical_cores, 2);
  EXPECT_EQ(load.freq_mhz, 2150.0);
  EXPECT_EQ(load.load_avg->at(1), 1.25);
  EXPECT_EQ(load.memory_percent, 37.5);

  stat(100, 50, 100);
  load = meter.read(now + milliseconds(50));  // too soon: nothing is read
  EXPECT_FALSE(load.percent);
  load = meter.read(now + milliseconds(1000));
  EXPECT_EQ(load.percent, 37.5);
  ASSERT_EQ(load.per_cpu_percent.size(), 4U);
  EXPECT_EQ(load.per_cpu_percent[0], 100.0);
  EXPECT_EQ(load.per_cpu_percent[1], 50.0);
  EXPECT_EQ(load.per_cpu_percent[2], 0.0);
  EXPECT_EQ(meter.percent_of({0, 1, 3}, now + milliseconds(1010)), 50.0);
  const auto json = to_json(load);
  EXPECT_EQ(json.at("load_avg").at("15").as_double(), 2.0);
}

TEST_F(Host, WhatIsNotThereIsNull) {
  Folder empty;
  LoadMeter meter(empty.path());
  const auto json = to_json(meter.read({}));
  for (const char* key : {"percent", "physical_cores", "freq_mhz", "load_avg", "memory_percent"}) {
    EXPECT_TRUE(json.at(key).is_null()) << key;
  }
  HostBackend backend(empty.path());
  const auto sample = backend.sample(cpu_id(), {});
  EXPECT_FALSE(sample.total_memory);
  EXPECT_GE(backend.enumerate({}, {})->devices.at(0).cores, 1);
}

TEST(ProcessorList, IsTheKernelsForm) {
  EXPECT_EQ(parse_processor_list("0-2,5\n"), (std::vector<int>{0, 1, 2, 5}));
  EXPECT_TRUE(parse_processor_list("").empty());
  EXPECT_TRUE(parse_processor_list("1-x").empty());
  EXPECT_TRUE(parse_processor_list("0-99999999").empty());
}

TEST(ThisMachine, HasAProcessor) {
  HostBackend backend("");
  const auto cpu = backend.enumerate({}, {})->devices.at(0);
  EXPECT_GE(cpu.cores, 1);
  EXPECT_GT(cpu.total_memory->value, 0);
  EXPECT_FALSE(cpu.model.empty());
}

}  // namespace
}  // namespace berth::device::host
