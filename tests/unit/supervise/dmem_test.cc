// SPDX-License-Identifier: Apache-2.0
// On trees of files: the controller is in no kernel that the tests can count on.
#include "supervise/dmem.h"

#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

constexpr char kCapacity[] =
    "drm/0000:03:00.0/vram0 8514437120\n"
    "drm/0000:03:00.0/vram1 8514437120\n"
    "drm/0000:03:00.0/stolen 67108864\n"
    "drm/0000:83:00.0/vram 17163091968\n"
    "drm/0000:83:00.0/mapped 33554432\n"
    "nvidia/0000:17:00.0/vidmem 25769803776\n";

class DmemTree : public ::testing::Test {
 protected:
  DmemTree() {
    put(root_ / "cgroup.controllers", "cpuset cpu io memory dmem\n");
    put(root_ / "dmem.capacity", kCapacity);
    put(root_ / "own/cgroup.controllers", "cpu dmem\n");
    put(root_ / "own/cgroup.subtree_control", "");
    put(root_ / "own/berth/cgroup.subtree_control", "");
    put(root_ / "own/berth/t.1/dmem.max", "");
  }
  [[nodiscard]] Dmem detect() const { return Dmem::detect(root_.path(), root_ / "own/berth"); }

  TempDir root_;
  model::PciAddress xe_ = *model::parse_pci("0000:03:00.0");
  model::PciAddress amd_ = *model::parse_pci("0000:83:00.0");
  model::PciAddress nvidia_ = *model::parse_pci("0000:17:00.0");
};

TEST_F(DmemTree, IsSwitchedOnDownToTheTasks) {
  const Dmem dmem = detect();
  ASSERT_TRUE(dmem.available()) << dmem.text();
  EXPECT_EQ(dmem.text(), "dmem");
  EXPECT_EQ(dmem.regions().size(), 4U) << "memory of the machine is none of a GPU's";
  EXPECT_EQ(content(root_ / "own/cgroup.subtree_control"), "+dmem");
  EXPECT_EQ(content(root_ / "own/berth/cgroup.subtree_control"), "+dmem");
  EXPECT_TRUE(dmem.knows(xe_));
  EXPECT_TRUE(dmem.knows(amd_));
  EXPECT_FALSE(dmem.knows(nvidia_)) << "that driver keeps its own books";
}

TEST_F(DmemTree, WhereItIsOnAlreadyNothingIsWritten) {
  put(root_ / "own/cgroup.subtree_control", "memory dmem\n");
  ASSERT_TRUE(detect().available());
  EXPECT_EQ(content(root_ / "own/cgroup.subtree_control"), "memory dmem\n");
}

TEST_F(DmemTree, ALimitIsWrittenPerRegion) {
  const Dmem dmem = detect();
  ASSERT_TRUE(dmem.limit(root_ / "own/berth/t.1", amd_, base::Bytes{10LL << 30}));
  EXPECT_EQ(content(root_ / "own/berth/t.1/dmem.max"), "drm/0000:83:00.0/vram 10737418240");
  EXPECT_FALSE(dmem.limit(root_ / "own/berth/none", amd_, base::Bytes{1}));
  EXPECT_FALSE(exists(root_ / "own/berth/none"));
}

TEST_F(DmemTree, BothHalvesOfAGpuAreLimited) {
  const Dmem dmem = detect();
  ASSERT_TRUE(dmem.limit(root_ / "own/berth/t.1", xe_, base::Bytes{4096}));
  // A file keeps what was written last over what was there; cgroupfs takes each line for itself.
  EXPECT_EQ(content(root_ / "own/berth/t.1/dmem.max"), "drm/0000:03:00.0/vram1 4096");
}

TEST_F(DmemTree, WhatIsMissingIsSaid) {
  EXPECT_FALSE(Dmem::detect(root_.path(), "").available());
  put(root_ / "own/cgroup.controllers", "cpu\n");
  EXPECT_NE(detect().text().find("not delegated"), std::string::npos) << detect().text();
  put(root_ / "dmem.capacity", "drm/0000:03:00.0/stolen 67108864\n");
  EXPECT_FALSE(detect().available());
  put(root_ / "cgroup.controllers", "cpu memory\n");
  EXPECT_NE(detect().text().find("no dmem controller"), std::string::npos) << detect().text();
}

TEST_F(DmemTree, ARefusedControllerIsSaid) {
  std::filesystem::remove(root_ / "own/cgroup.subtree_control");
  const Dmem dmem = detect();
  EXPECT_FALSE(dmem.available());
  EXPECT_NE(dmem.text().find("subtree_control"), std::string::npos) << dmem.text();
}

}  // namespace
}  // namespace berth::supervise
