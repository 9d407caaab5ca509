// SPDX-License-Identifier: Apache-2.0
#include "device/gpu_nodes.h"

#include <algorithm>
#include <filesystem>

#include "device/fixture.h"

namespace berth::device {
namespace {

namespace fs = std::filesystem;

model::Device gpu(model::Vendor vendor, const std::string& pci) {
  model::Device device;
  device.vendor = vendor;
  device.pci_bus_id = pci;
  return device;
}

void add_drm_node(const Folder& root, const std::string& name, const std::string& pci,
                  const std::string& numbers) {
  root.write("sys/class/drm/" + name + "/dev", numbers + "\n");
  fs::create_symlink("../../../" + pci, root.path() + "/sys/class/drm/" + name + "/device");
}

TEST(GpuNodes, AnNvidiaGpuHasTheFileOfItsMinorNumberNotOfItsIndex) {
  const Folder root;
  root.write(
      "proc/devices",
      "Character devices:\n  1 mem\n195 nvidia\n195 nvidiactl\n\nBlock devices:\n  7 nvidia\n");
  root.write("proc/driver/nvidia/gpus/0000:17:00.0/information",
             "Model: \t\t NVIDIA GeForce RTX 3090\nDevice Minor: \t 3\nGPU Excluded:\t No\n");
  add_drm_node(root, "card1", "0000:17:00.0", "226:1");
  add_drm_node(root, "renderD129", "0000:17:00.0", "226:129");
  add_drm_node(root, "renderD130", "0000:1a:00.0", "226:130");
  add_drm_node(root, "card1-HDMI-A-1", "card1", "226:77");
  auto nodes = nodes_of(gpu(model::Vendor::kNvidia, "00000000:17:00.0"), root.path());
  std::sort(nodes.begin(), nodes.end());
  EXPECT_EQ(nodes, (std::vector<model::DeviceNode>{{195, 3}, {226, 1}, {226, 129}}));
}

TEST(GpuNodes, OldDriversCallTheirNumberFrontend) {
  const Folder root;
  root.write("proc/devices", "Character devices:\n195 nvidia-frontend\n");
  root.write("proc/driver/nvidia/gpus/0000:17:00.0/information", "Device Minor: 0\n");
  EXPECT_EQ(nodes_of(gpu(model::Vendor::kNvidia, "0000:17:00.0"), root.path()),
            (std::vector<model::DeviceNode>{{195, 0}}));
}

TEST(GpuNodes, AMigInstanceHasItsGpusFileAndTheCapabilitiesOfItsOwn) {
  const Folder root;
  root.write("proc/devices", "Character devices:\n195 nvidia\n235 nvidia-caps\n");
  root.write("proc/driver/nvidia/gpus/0000:17:00.0/information", "Device Minor: 3\n");
  const std::string folder = "proc/driver/nvidia/capabilities/gpu3/mig/gi2/";
  const std::string rest = "DeviceFileMode: 292\nDeviceFileModify: 1\n";
  root.write(folder + "access", "DeviceFileMinor: 21\n" + rest);
  root.write(folder + "ci1/access", "DeviceFileMinor: 23\n" + rest);
  auto instance = gpu(model::Vendor::kNvidia, "0000:17:00.0");
  instance.mig = model::MigInstance{model::DeviceId("GPU-1"), 0, 2, 1, "3g.40gb"};
  EXPECT_EQ(nodes_of(instance, root.path()),
            (std::vector<model::DeviceNode>{{195, 3}, {235, 21}, {235, 23}}));
  instance.mig->gpu_instance = 5;  // of which the driver tells nothing
  EXPECT_EQ(nodes_of(instance, root.path()), (std::vector<model::DeviceNode>{{195, 3}}));
}

TEST(GpuNodes, OthersHaveTheirDrmFiles) {
  const Folder root;
  root.write("proc/devices", "Character devices:\n195 nvidia\n");
  add_drm_node(root, "renderD128", "0000:03:00.0", "226:128");
  EXPECT_EQ(nodes_of(gpu(model::Vendor::kAmd, "0000:03:00.0"), root.path()),
            (std::vector<model::DeviceNode>{{226, 128}}));
}

TEST(GpuNodes, OfWhichNothingIsKnownHasNone) {
  const Folder root;
  EXPECT_TRUE(nodes_of(gpu(model::Vendor::kNvidia, "0000:17:00.0"), root.path()).empty());
  EXPECT_TRUE(nodes_of(gpu(model::Vendor::kNvidia, ""), root.path()).empty());
}

}  // namespace
}  // namespace berth::device
