// SPDX-License-Identifier: Apache-2.0
#include "model/visible_devices.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace berth::model {

std::string_view visible_variable(Vendor vendor) {
  switch (vendor) {
    case Vendor::kAmd:
      return "ROCR_VISIBLE_DEVICES";
    case Vendor::kIntel:
      return "ZE_AFFINITY_MASK";
    case Vendor::kAscend:
      return "ASCEND_RT_VISIBLE_DEVICES";
    case Vendor::kNvidia:
    case Vendor::kCpu:
      break;
  }
  return "CUDA_VISIBLE_DEVICES";
}

const std::vector<std::string>& visible_variables() {
  static const std::vector<std::string> kNames{"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                               "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK",
                                               "ASCEND_RT_VISIBLE_DEVICES"};
  return kNames;
}

std::map<std::string, std::string> visible_devices(const std::vector<Device>& devices) {
  const Vendor vendor = devices.empty() ? Vendor::kCpu : devices.front().vendor;
  std::vector<std::string> words;
  for (const auto& device : devices) {
    if (vendor == Vendor::kCpu) break;
    // ROCr takes the numbers of their own that most AMD GPUs have.
    const bool by_uuid = vendor == Vendor::kNvidia ||
                         (vendor == Vendor::kAmd && device.id.value.starts_with("GPU-"));
    words.push_back(by_uuid ? device.id.value : std::to_string(device.index));
  }
  // Huawei's runtime stops reading at a number that is smaller than the one before.
  if (vendor == Vendor::kAscend) {
    std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) {
      return std::pair(a.size(), a) < std::pair(b.size(), b);
    });
  }
  std::map<std::string, std::string> variables{
      {"CUDA_DEVICE_ORDER", "PCI_BUS_ID"},
      {std::string(visible_variable(vendor)), base::join(words, ",")}};
  if (vendor == Vendor::kIntel) {
    // The numbers are those of whole cards, in the order of the bus.
    variables["ZE_FLAT_DEVICE_HIERARCHY"] = "COMPOSITE";
    variables["ZE_ENABLE_PCI_ID_DEVICE_ORDER"] = "1";
  }
  return variables;
}

std::string device_inside(const std::vector<Device>& devices) {
  if (devices.empty() || devices.front().vendor == Vendor::kCpu) return "cpu";
  return std::string(device_prefix(devices.front().vendor)) + ":0";
}

}  // namespace berth::model
