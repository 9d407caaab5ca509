// SPDX-License-Identifier: Apache-2.0
// What a task is told of its devices, by vendor.
#include "model/visible_devices.h"

#include <gtest/gtest.h>

namespace berth::model {
namespace {

using Variables = std::map<std::string, std::string>;

Device gpu(Vendor vendor, int index, const std::string& id) {
  Device device;
  device.vendor = vendor;
  device.index = index;
  device.id = DeviceId(id);
  return device;
}

TEST(VisibleDevices, NvidiasAreNamedByTheirUuids) {
  EXPECT_EQ(
      visible_devices({gpu(Vendor::kNvidia, 3, "GPU-3"), gpu(Vendor::kNvidia, 1, "GPU-1")}),
      (Variables{{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"}, {"CUDA_VISIBLE_DEVICES", "GPU-3,GPU-1"}}));
}

TEST(VisibleDevices, AmdsByTheirNumbersOfTheirOwnWhereTheyHaveOne) {
  EXPECT_EQ(visible_devices({gpu(Vendor::kAmd, 1, "GPU-0123456789abcdef"),
                             gpu(Vendor::kAmd, 2, "PCI-0000:03:00.0")})
                .at("ROCR_VISIBLE_DEVICES"),
            "GPU-0123456789abcdef,2");
}

TEST(VisibleDevices, IntelsAsWholeCardsInTheOrderOfTheBus) {
  const auto variables = visible_devices({gpu(Vendor::kIntel, 2, "PCI-0000:4d:00.0")});
  EXPECT_EQ(variables.at("ZE_AFFINITY_MASK"), "2");
  EXPECT_EQ(variables.at("ZE_FLAT_DEVICE_HIERARCHY"), "COMPOSITE");
  EXPECT_EQ(variables.at("ZE_ENABLE_PCI_ID_DEVICE_ORDER"), "1");
}

TEST(VisibleDevices, AscendsInAscendingOrder) {
  EXPECT_EQ(visible_devices({gpu(Vendor::kAscend, 10, "a"), gpu(Vendor::kAscend, 2, "b")})
                .at("ASCEND_RT_VISIBLE_DEVICES"),
            "2,10");
}

}  // namespace
}  // namespace berth::model
