// SPDX-License-Identifier: Apache-2.0
#include "vision/model_names.h"

namespace berth::vision {

const std::vector<std::string>& model_names() {
  // A new family is added here and in model_registry.cc.
  static const std::vector<std::string> names = {
      "resnet18",  "resnet34",  "resnet50",  "resnet101",          "resnet152",
      "vit_b_16",  "vit_b_32",  "vit_l_16",  "vit_l_32",           "vit_h_14",
      "swin_v2_t", "swin_v2_s", "swin_v2_b", "mobilenet_v3_small", "mobilenet_v3_large"};
  return names;
}

protocol::Status check_model_name(const std::string& name) {
  std::string known;
  for (const std::string& other : model_names()) {
    if (other == name) return {};
    known += (known.empty() ? "" : ", ") + other;
  }
  return protocol::failed(protocol::ErrorCode::kBadRequest,
                          "unknown model \"" + name + "\"; known: " + known);
}

std::string model_class(const std::string& name) {
  const auto begins = [&](const char* family) { return name.rfind(family, 0) == 0; };
  if (begins("vit")) return "VisionTransformer";
  if (begins("swin")) return "SwinTransformer";
  if (begins("mobilenet")) return "MobileNetV3";
  return "ResNet";
}

}  // namespace berth::vision
