// SPDX-License-Identifier: Apache-2.0
// Intel's cards on trees of the drivers i915 and xe, and Level Zero by a stand-in.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "device/tree.h"

namespace berth::device {
namespace {

constexpr const char* kIntel = "0x8086";

/// The graphics of the processor (i915) and a Data Center GPU Max (xe).
class Intel : public ::testing::Test {
 protected:
  Intel() {
    tree_.add_card(0, "0000:00:02.0", "i915", kIntel, "0x4680");
    tree_.write_all("sys/class/drm/card0",
                    {{"gt_cur_freq_mhz", "300"}, {"gt_max_freq_mhz", "1550"}});
    tree_.add_card(3, "0000:4d:00.0", "xe", kIntel, "0x0bd5");
    const std::string folder = Tree::pci_folder("0000:4d:00.0");
    tree_.write_all(folder + "/tile0/gt0/freq0", {{"cur_freq", "900"}, {"max_freq", "1600"}});
    tree_.write_all(folder + "/hwmon/hwmon4", {{"temp2_label", "pkg"},
                                               {"temp2_input", "58000"},
                                               {"temp3_label", "vram"},
                                               {"temp3_input", "49000"},
                                               {"energy1_input", "7000000000"},
                                               {"power1_max", "600000000"}});
    tree_.write("usr/share/misc/pci.ids",
                "8086  Intel Corporation\n\t0bd5  Ponte Vecchio XT [Data Center GPU Max 1550]\n"
                "\t4680  AlderLake-S GT1\n");
  }
  ~Intel() override { ::unsetenv("FAKE_LEVEL_ZERO"); }

  static void say(const char* words) { ::setenv("FAKE_LEVEL_ZERO", words, 1); }
  [[nodiscard]] Options options(bool library = true) const {
    Options options;
    options.nvml_library = "/nowhere/libnvidia-ml.so.1";
    options.level_zero_library = library ? std::string(BERTH_FAKES_DIR) + "/libze_loader.so.1"
                                         : "/nowhere/libze_loader.so.1";
    options.sysfs_root = tree_.path();
    return options;
  }
  [[nodiscard]] Readout read() const { return read_samples(options()); }

  Tree tree_;
};

TEST_F(Intel, CardsHaveTheirMemoryFromLevelZeroAndTheRestFromTheKernel) {
  const auto readout = read();
  ASSERT_EQ(readout.inventory.devices.size(), 3);
  const auto& card = readout.inventory.devices[1];
  EXPECT_EQ(card.name, "xpu:1");
  EXPECT_EQ(card.id.value, "PCI-0000:4d:00.0");
  EXPECT_EQ(card.model, "Intel Ponte Vecchio XT [Data Center GPU Max 1550]");
  EXPECT_EQ(card.max_clock_mhz, 1600);
  EXPECT_EQ(card.total_memory, base::Bytes{48LL << 30}) << "both parts, without the machine's";
  EXPECT_EQ(card.no_tasks, "");
  const auto& sample = sample_of(readout, "xpu:1");
  EXPECT_EQ(sample.free_memory, base::Bytes{43LL << 30});
  EXPECT_EQ(sample.used_memory, base::Bytes{5LL << 30});
  EXPECT_EQ(sample.temperature_c, 58);
  EXPECT_EQ(sample.memory_temperature_c, 49);
  EXPECT_EQ(sample.clock_mhz, 900);
  EXPECT_EQ(sample.power_limit_w, 600);
  EXPECT_EQ(sample.energy_mj, 7000000);
  EXPECT_EQ(sample.power_w, std::nullopt) << "it takes two readings of the energy";
  ASSERT_TRUE(sample.processes && sample.processes->size() == 1);
  EXPECT_EQ((*sample.processes)[0].pid, 5000);
  EXPECT_EQ((*sample.processes)[0].used_memory, base::Bytes{3LL << 30});
}

TEST_F(Intel, PowerIsWhatTheEnergyGrowsBy) {
  Machine machine(options());
  const auto inventory = machine.enumerate();
  static_cast<void>(machine.sample(inventory.devices[1], Scope{}));
  tree_.write(Tree::pci_folder("0000:4d:00.0") + "/hwmon/hwmon4/energy1_input", "7000500000\n");
  const auto sample = machine.sample(inventory.devices[1], Scope{});
  ASSERT_TRUE(sample.power_w.has_value());
  EXPECT_GT(*sample.power_w, 0.5 / 10) << "half a joule, within ten seconds";
  tree_.write(Tree::pci_folder("0000:4d:00.0") + "/hwmon/hwmon4/energy1_input", "12\n");
  EXPECT_EQ(machine.sample(inventory.devices[1], Scope{}).power_w, std::nullopt)
      << "the counter began anew";
}

TEST_F(Intel, GraphicsOfTheProcessorTakeNoTasksUnlessTheyMay) {
  const auto readout = read();
  const auto& graphics = readout.inventory.devices[0];
  EXPECT_EQ(graphics.name, "xpu:0");
  EXPECT_EQ(graphics.model, "Intel AlderLake-S GT1");
  EXPECT_EQ(graphics.max_clock_mhz, 1550);
  EXPECT_NE(graphics.no_tasks, "");
  EXPECT_EQ(sample_of(readout, "xpu:0").clock_mhz, 300);
  EXPECT_EQ(sample_of(readout, "xpu:0").total_memory, std::nullopt);
  auto allowed = options();
  allowed.integrated_gpus = true;
  EXPECT_EQ(read_inventory(allowed).devices[0].no_tasks, "");
}

TEST_F(Intel, WithoutLevelZeroTheMemoryIsUnknownAndAHintSaysWhy) {
  const auto readout = read_samples(options(false));
  EXPECT_EQ(sample_of(readout, "xpu:1").total_memory, std::nullopt);
  EXPECT_EQ(sample_of(readout, "xpu:1").temperature_c, 58);
  EXPECT_EQ(readout.inventory.devices[1].no_tasks, "") << "an exclusive task may well run there";
  ASSERT_EQ(readout.inventory.hints.size(), 2);
  EXPECT_NE(readout.inventory.hints[1].find("install libze1"), std::string::npos);
  say("noinit");
  EXPECT_NE(read().inventory.hints[1].find("does not start"), std::string::npos);
}

TEST_F(Intel, WithoutTheRightThereIsNoMemoryAndALostCardIsLost) {
  say("noprivilege");
  auto readout = read();
  EXPECT_EQ(sample_of(readout, "xpu:1").health, model::Health::kHealthy);
  EXPECT_EQ(sample_of(readout, "xpu:1").used_memory, std::nullopt);
  Machine machine(options());
  const auto inventory = machine.enumerate();
  say("lost");
  const auto sample = machine.sample(inventory.devices[1], Scope{});
  EXPECT_EQ(sample.health, model::Health::kLost);
  EXPECT_EQ(sample.temperature_c, std::nullopt);
}

TEST_F(Intel, ProcessesAreTheKernelsWhereLevelZeroTellsNone) {
  tree_.add_process(5100, "ffmpeg");
  tree_.add_client(5100, 3, "renderD131",
                   "drm-driver:\txe\ndrm-pdev:\t0000:4d:00.0\ndrm-client-id:\t4\n"
                   "drm-total-vram0:\t700 MiB\ndrm-resident-vram0:\t650 MiB\n"
                   "drm-cycles-vcs:\t100\ndrm-total-cycles-vcs:\t1000\n");
  say("noprivilege");
  const auto readout = read();
  const auto& processes = sample_of(readout, "xpu:1").processes;
  ASSERT_TRUE(processes && processes->size() == 1);
  EXPECT_EQ((*processes)[0].command, "ffmpeg");
  EXPECT_EQ((*processes)[0].used_memory, base::Bytes{650LL << 20});
}

// ---- without a driver ----

class Driverless : public ::testing::Test {
 protected:
  void add(const std::string& pci, const std::string& vendor, const std::string& product,
           const std::string& driver) const {
    const std::string folder = Tree::pci_folder(pci);
    tree_.write_all(folder, {{"vendor", vendor}, {"device", product}, {"class", "0x030200"}});
    if (!driver.empty()) {
      std::filesystem::create_symlink("../../../../bus/pci/drivers/" + driver,
                                      tree_.path() + '/' + folder + "/driver");
    }
  }
  [[nodiscard]] Readout read() const {
    Options options;
    options.nvml_library = "/nowhere/libnvidia-ml.so.1";
    options.dcmi_library = "/nowhere/libdcmi.so";
    options.sysfs_root = tree_.path();
    return read_samples(options);
  }
  Tree tree_;
};

TEST_F(Driverless, CardsAreListedAndTakeNoTasks) {
  add("0000:17:00.0", "0x10de", "0x2204", "");
  add("0000:65:00.0", "0x10de", "0x2684", "vfio-pci");
  add("0000:b3:00.0", "0x1002", "0x740f", "");
  add("0000:b4:00.0", "0x1a03", "0x2000", "ast");  // a management controller's
  tree_.write("usr/share/misc/pci.ids",
              "10de  NVIDIA Corporation\n\t2204  GA102 [GeForce RTX 3090]\n");
  const auto readout = read();
  const auto& devices = readout.inventory.devices;
  ASSERT_EQ(devices.size(), 4);
  EXPECT_EQ(devices[0].name, "cuda:0");
  EXPECT_EQ(devices[0].model, "NVIDIA GA102 [GeForce RTX 3090]");
  EXPECT_EQ(devices[0].no_tasks, "it has no driver");
  EXPECT_EQ(devices[1].model, "NVIDIA GPU 10de:2684");
  EXPECT_EQ(devices[1].no_tasks, "its driver is vfio-pci");
  EXPECT_EQ(devices[2].name, "rocm:0");
  EXPECT_EQ(devices[0].total_memory, std::nullopt);
  const auto& sample = sample_of(readout, "cuda:0");
  EXPECT_EQ(sample.health, model::Health::kFailed);
  EXPECT_EQ(sample.health_reason, "it has no driver");
  ASSERT_FALSE(readout.inventory.hints.empty());
  EXPECT_NE(readout.inventory.hints[0].find("on Debian install the packages nvidia-driver"),
            std::string::npos);
}

TEST_F(Driverless, AnNpuWithoutItsLibraryIsNamed) {
  tree_.write_all(Tree::pci_folder("0000:81:00.0"),
                  {{"vendor", "0x19e5"}, {"device", "0xd802"}, {"class", "0x120000"}});
  const auto readout = read();
  ASSERT_EQ(readout.inventory.devices.size(), 2);
  EXPECT_EQ(readout.inventory.devices[0].name, "npu:0");
  EXPECT_EQ(readout.inventory.devices[0].model, "Ascend GPU 19e5:d802");
  EXPECT_NE(readout.inventory.hints.back().find("install Huawei's driver package"),
            std::string::npos);
}

}  // namespace
}  // namespace berth::device
