// SPDX-License-Identifier: Apache-2.0
// How near GPUs are to each other.
#include "device/fixture.h"

namespace berth::device {
namespace {

class Links : public FakeMachine {
 protected:
  /// "nvlink 4" for the way from one device to another.
  static std::string way(const model::Inventory& inventory, std::size_t from, std::size_t to) {
    for (const auto& link : inventory.devices[from].links) {
      if (link.peer != inventory.devices[to].id) continue;
      std::string text(model::to_text(link.closeness));
      return link.nvlinks > 0 ? text + ' ' + std::to_string(link.nvlinks) : text;
    }
    return "system";
  }
};

TEST_F(Links, AsTheDriverSaysNearestFirst) {
  ctl("init --gpus 6 --shuffle");
  // cuda:0 is the driver's 5, cuda:5 its 0.
  ctl("link 5 4 4");
  ctl("set 3 pcie_switch=1");
  ctl("set 2 pcie_switch=1");
  ctl("set 1 host_bridge=1");
  ctl("numa 0 1");
  const auto inventory = read_inventory(options());
  EXPECT_EQ(way(inventory, 0, 1), "nvlink 4");
  EXPECT_EQ(way(inventory, 1, 0), "nvlink 4");
  EXPECT_EQ(way(inventory, 2, 3), "pcie_switch");
  EXPECT_EQ(way(inventory, 0, 2), "host_bridge");
  EXPECT_EQ(way(inventory, 0, 4), "numa_node");
  EXPECT_EQ(way(inventory, 4, 5), "system");
  EXPECT_EQ(inventory.devices[0].links.size(), 4U) << "what is far away is left out";
  EXPECT_TRUE(inventory.devices[5].links.empty());
  EXPECT_TRUE(inventory.devices[6].links.empty()) << "the processor";
}

TEST_F(Links, ThroughASwitchAllNvLinksLeadToEveryGpu) {
  ctl("init --gpus 4");
  ctl("machine nvswitch=1");
  for (const char* pair : {"0 1", "0 2", "1 2"}) ctl("link " + std::string(pair) + " 6");
  const auto inventory = read_inventory(options());
  EXPECT_EQ(way(inventory, 0, 1), "nvlink 12");
  EXPECT_EQ(way(inventory, 0, 2), "nvlink 12");
  EXPECT_EQ(way(inventory, 2, 1), "nvlink 12");
  EXPECT_EQ(way(inventory, 0, 3), "host_bridge");
}

TEST_F(Links, NumaNodesComeFromTheKernelAndStandInWhereTheDriverIsSilent) {
  ctl("init --gpus 4");
  Folder root;
  root.write("sys/bus/pci/devices/0000:17:00.0/numa_node", "0\n");
  root.write("sys/bus/pci/devices/0000:1a:00.0/numa_node", "1\n");
  root.write("sys/bus/pci/devices/0000:1d:00.0/numa_node", "1\n");
  root.write("sys/bus/pci/devices/0000:20:00.0/numa_node", "-1\n");
  Options with_root = options();
  with_root.sysfs_root = root.path();
  auto inventory = read_inventory(with_root);
  EXPECT_EQ(inventory.devices[0].numa_node, 0);
  EXPECT_EQ(inventory.devices[2].numa_node, 1);
  EXPECT_FALSE(inventory.devices[3].numa_node);
  EXPECT_EQ(way(inventory, 0, 1), "host_bridge");
  ctl("fail all nvmlDeviceGetTopologyCommonAncestor 3");
  inventory = read_inventory(with_root);
  EXPECT_EQ(way(inventory, 0, 1), "system");
  EXPECT_EQ(way(inventory, 1, 2), "numa_node");
  EXPECT_EQ(way(inventory, 3, 2), "system");
}

TEST_F(Links, AGpuThatIsLeftAloneIsNotAskedAbout) {
  ctl("init --gpus 3");
  ctl("block 1 'nvmlDeviceGet[NT]*' forever");
  const auto inventory = Machine(options()).enumerate([](std::string_view) {}, {kGpu1});
  EXPECT_EQ(way(inventory, 0, 1), "system");
  EXPECT_EQ(way(inventory, 0, 2), "host_bridge");
}

TEST_F(Links, OldDriversKnowNothing) {
  ctl("init --gpus 2");
  ctl("fail all 'nvmlDeviceGet[NTP][vo2]*' 13");
  const auto inventory = read_inventory(options());
  ASSERT_EQ(inventory.devices.size(), 3U);
  EXPECT_TRUE(inventory.devices[0].links.empty());
}

}  // namespace
}  // namespace berth::device
