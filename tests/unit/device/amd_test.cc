// SPDX-License-Identifier: Apache-2.0
// AMD cards on trees as kernel 6.x has them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "device/tree.h"

namespace berth::device {
namespace {

constexpr const char* kAmd = "0x1002";
constexpr const char* kMi210 = "0x740f";

/// Two Instinct MI210 whose numbers have holes, the later one first on the bus.
class Instinct : public ::testing::Test {
 protected:
  Instinct() {
    add(5, "0000:63:00.0", "0123456789ABCDEF", 1, 2);
    add(2, "0000:c3:00.0", "fedcba9876543210", 2, 1);
    tree_.write_all("sys/class/kfd/kfd/topology/nodes/0",
                    {{"gpu_id", "0"}, {"properties", "cpu_cores_count 64\nsimd_count 0\n"}});
    tree_.add_process(4000, std::string("python3\0train.py", 16));
    tree_.write("sys/class/kfd/kfd/proc/4000/vram_1001", "8589934592\n");
  }

  void add(int number, const std::string& pci, const std::string& unique, int node,
           int peer) const {
    tree_.add_card(number, pci, "amdgpu", kAmd, kMi210);
    const std::string folder = Tree::pci_folder(pci);
    tree_.write_all(folder, {{"unique_id", unique},
                             {"product_name", "Instinct MI210"},
                             {"mem_info_vram_total", "68702699520"},
                             {"mem_info_vram_used", "8600000000"},
                             {"mem_info_gtt_total", "540000000000"},
                             {"mem_info_gtt_used", "16000000"},
                             {"gpu_busy_percent", "87"},
                             {"mem_busy_percent", "41"},
                             {"ras/umc_err_count", "ue: 1\nce: 17"}});
    tree_.write_all(folder + "/hwmon/hwmon7", {{"temp1_label", "edge"},
                                               {"temp1_input", "54000"},
                                               {"temp2_label", "junction"},
                                               {"temp2_input", "67000"},
                                               {"temp3_label", "mem"},
                                               {"temp3_input", "61000"},
                                               {"power1_average", "243500000"},
                                               {"power1_cap", "300000000"},
                                               {"freq1_label", "sclk"},
                                               {"freq1_input", "1700000000"},
                                               {"freq2_label", "mclk"},
                                               {"freq2_input", "1600000000"},
                                               {"pwm1", "128"}});
    const auto location = std::to_string(std::stoi(pci.substr(5, 2), nullptr, 16) << 8);
    const std::string kfd = "sys/class/kfd/kfd/topology/nodes/" + std::to_string(node);
    tree_.write_all(kfd, {{"gpu_id", "100" + std::to_string(node)},
                          {"properties",
                           "cpu_cores_count 0\nsimd_count 416\ndomain 0\nlocation_id " + location +
                               "\nmax_engine_clk_fcompute 1700\n"
                               "gfx_target_version 90010\n"}});
    tree_.write_all(kfd + "/io_links/0", {{"properties", "type 2\nnode_to 0"}});
    tree_.write_all(kfd + "/io_links/1",
                    {{"properties", "type 11\nnode_to " + std::to_string(peer)}});
  }

  [[nodiscard]] Readout read() const {
    Options options;
    options.nvml_library = "/nowhere/libnvidia-ml.so.1";
    options.amd_smi_library = "/nowhere/libamd_smi.so";
    options.sysfs_root = tree_.path();
    return read_samples(options);
  }

  Tree tree_;
};

TEST_F(Instinct, AreListedInTheOrderOfTheBusWithWhatTheKernelTells) {
  const auto readout = read();
  ASSERT_EQ(readout.inventory.devices.size(), 3);
  const auto& first = readout.inventory.devices[0];
  EXPECT_EQ(first.id.value, "GPU-0123456789abcdef");
  EXPECT_EQ(first.name, "rocm:0");
  EXPECT_EQ(first.model, "AMD Instinct MI210");
  EXPECT_EQ(first.pci_bus_id, "0000:63:00.0");
  EXPECT_EQ(first.compute_capability, "9.0");
  EXPECT_EQ(first.max_clock_mhz, 1700);
  EXPECT_EQ(first.total_memory, base::Bytes{68702699520});
  EXPECT_EQ(first.numa_node, 1);
  EXPECT_EQ(first.pcie, (model::PcieLink{4, 16}));
  auto nodes = first.nodes;
  std::sort(nodes.begin(), nodes.end());
  EXPECT_EQ(nodes, (std::vector<model::DeviceNode>{{226, 5}, {226, 133}}));
  const auto& second = readout.inventory.devices[1];
  EXPECT_EQ(second.name, "rocm:1");
  EXPECT_EQ(second.id.value, "GPU-fedcba9876543210");
  ASSERT_EQ(first.links.size(), 1);
  EXPECT_EQ(first.links[0], (model::Link{second.id, model::Closeness::kNvLink, 1}));

  const auto& sample = sample_of(readout, "rocm:0");
  EXPECT_EQ(sample.health, model::Health::kHealthy);
  EXPECT_EQ(sample.total_memory, base::Bytes{68702699520});
  EXPECT_EQ(sample.used_memory, base::Bytes{8600000000});
  EXPECT_EQ(sample.free_memory, base::Bytes{68702699520 - 8600000000});
  EXPECT_EQ(sample.utilization_percent, 87);
  EXPECT_EQ(sample.memory_utilization_percent, 41);
  EXPECT_EQ(sample.temperature_c, 54);
  EXPECT_EQ(sample.memory_temperature_c, 61);
  EXPECT_EQ(sample.power_w, 243.5);
  EXPECT_EQ(sample.power_limit_w, 300);
  EXPECT_EQ(sample.clock_mhz, 1700);
  EXPECT_EQ(sample.memory_clock_mhz, 1600);
  EXPECT_EQ(sample.fan_percent, 50);
  EXPECT_EQ(sample.pcie, (model::PcieLink{3, 16}));
  EXPECT_EQ(sample.ecc_corrected, 17);
  EXPECT_EQ(sample.ecc_uncorrected, 1);
}

TEST_F(Instinct, ShowWhoComputesAndWhoDraws) {
  tree_.add_client(4000, 7, "renderD133",
                   "pos:\t0\ndrm-driver:\tamdgpu\ndrm-pdev:\t0000:63:00.0\ndrm-client-id:\t12\n"
                   "drm-memory-vram:\t2048 KiB\n");
  tree_.add_process(4100, "glxgears");
  const std::string drawing =
      "drm-driver:\tamdgpu\ndrm-pdev:\t0000:63:00.0\ndrm-client-id:\t13\n"
      "drm-total-vram:\t900 MiB\ndrm-resident-vram:\t300 MiB\ndrm-memory-gtt:\t77 KiB\n";
  tree_.add_client(4100, 3, "card5", drawing);
  tree_.add_client(4100, 4, "card5", drawing);  // the same client through another descriptor
  const auto readout = read();
  const auto& processes = sample_of(readout, "rocm:0").processes;
  ASSERT_TRUE(processes.has_value());
  ASSERT_EQ(processes->size(), 2);
  EXPECT_EQ((*processes)[0].pid, 4000);
  EXPECT_EQ((*processes)[0].type, "C");
  EXPECT_EQ((*processes)[0].used_memory, base::Bytes{8589934592});
  EXPECT_EQ((*processes)[0].command, "python3 train.py");
  EXPECT_EQ((*processes)[1].pid, 4100);
  EXPECT_EQ((*processes)[1].type, "G");
  EXPECT_EQ((*processes)[1].used_memory, base::Bytes{300LL << 20});
  EXPECT_TRUE(sample_of(readout, "rocm:1").processes->empty());
}

TEST_F(Instinct, LackWhatAFileDoesNotTell) {
  const std::string folder = Tree::pci_folder("0000:63:00.0");
  tree_.make_unreadable(folder + "/mem_info_vram_used");
  tree_.make_unreadable(folder + "/unique_id");
  tree_.remove(folder + "/hwmon");
  tree_.remove(folder + "/product_name");
  tree_.remove("sys/class/kfd");
  tree_.write(folder + "/gpu_busy_percent", "not a number\n");
  const auto readout = read();
  const auto& device = readout.inventory.devices[0];
  EXPECT_EQ(device.id.value, "PCI-0000:63:00.0") << "it has no number of its own";
  EXPECT_EQ(device.model, "AMD GPU 1002:740f");
  EXPECT_EQ(device.compute_capability, std::nullopt);
  ASSERT_EQ(device.links.size(), 1);
  EXPECT_EQ(device.links[0].closeness, model::Closeness::kNumaNode) << "the kernel's, without KFD";
  const auto& sample = sample_of(readout, "rocm:0");
  EXPECT_EQ(sample.health, model::Health::kHealthy);
  EXPECT_EQ(sample.total_memory, base::Bytes{68702699520});
  EXPECT_EQ(sample.used_memory, std::nullopt);
  EXPECT_EQ(sample.free_memory, std::nullopt);
  EXPECT_EQ(sample.utilization_percent, std::nullopt);
  EXPECT_EQ(sample.temperature_c, std::nullopt);
  EXPECT_EQ(sample.power_w, std::nullopt);
}

TEST_F(Instinct, AreNamedByTheListOfPciDevices) {
  tree_.remove(Tree::pci_folder("0000:63:00.0") + "/product_name");
  tree_.write("usr/share/misc/pci.ids",
              "# names\n1001  Another\n\t740f  Wrong\n1002  Advanced Micro Devices, Inc.\n"
              "\t740e  Near\n\t740f  Aldebaran/MI200 [Instinct MI210]\n\t\t1002 0c34  Sub\n"
              "1003  Next\n\t740f  Wrong too\n");
  EXPECT_EQ(read().inventory.devices[0].model, "AMD Aldebaran/MI200 [Instinct MI210]");
}

TEST_F(Instinct, AnApuHasTheMachinesMemoryToo) {
  tree_.write_all(
      "sys/class/kfd/kfd/topology/nodes/1",
      {{"properties", "cpu_cores_count 16\nsimd_count 8\ndomain 0\nlocation_id 25344\n"}});
  const auto readout = read();
  EXPECT_EQ(sample_of(readout, "rocm:0").total_memory, base::Bytes{68702699520 + 540000000000});
  EXPECT_EQ(sample_of(readout, "rocm:0").used_memory, base::Bytes{8600000000 + 16000000});
  EXPECT_EQ(sample_of(readout, "rocm:1").total_memory, base::Bytes{68702699520});
}

class Reload : public Instinct {
 protected:
  Reload() : machine_(options()) { inventory_ = machine_.enumerate(); }
  [[nodiscard]] Options options() const {
    Options options;
    options.nvml_library = "/nowhere/libnvidia-ml.so.1";
    options.amd_smi_library = "/nowhere/libamd_smi.so";
    options.sysfs_root = tree_.path();
    return options;
  }
  Machine machine_;
  model::Inventory inventory_;
};

TEST_F(Reload, OfTheDriverGivesTheSameDevicesOtherNumbers) {
  EXPECT_FALSE(machine_.devices_changed());
  for (const char* name : {"card5", "renderD133", "card2", "renderD130"})
    tree_.remove("sys/class/drm/" + std::string(name));
  EXPECT_TRUE(machine_.devices_changed());
  const auto lost = machine_.sample(inventory_.devices[0], Scope{});
  EXPECT_EQ(lost.health, model::Health::kLost);
  EXPECT_EQ(lost.used_memory, std::nullopt) << "what was read before describes nothing any more";
  tree_.add_card(0, "0000:63:00.0", "amdgpu", kAmd, kMi210);
  tree_.add_card(1, "0000:c3:00.0", "amdgpu", kAmd, kMi210);
  EXPECT_TRUE(machine_.devices_changed()) << "as many, but others";
  const auto again = machine_.enumerate();
  EXPECT_FALSE(machine_.devices_changed());
  ASSERT_EQ(again.devices.size(), 3);
  EXPECT_EQ(again.devices[0].id, inventory_.devices[0].id);
  EXPECT_EQ(machine_.sample(again.devices[0], Scope{}).health, model::Health::kHealthy);
}

TEST_F(Reload, LeavesAloneWhatIsToBeLeftAlone) {
  const auto left = machine_.enumerate(no_breadcrumbs, {inventory_.devices[0].id.value});
  ASSERT_EQ(left.devices.size(), 3);
  EXPECT_EQ(left.devices[0].model, "") << "identified, no more";
  EXPECT_EQ(left.devices[1].model, "AMD Instinct MI210");
  const auto none = machine_.enumerate(no_breadcrumbs, {"amd"});
  EXPECT_EQ(none.devices.size(), 1);
  ASSERT_FALSE(none.hints.empty());
  EXPECT_NE(none.hints.back().find("AMD driver does not answer"), std::string::npos);
}

}  // namespace
}  // namespace berth::device
