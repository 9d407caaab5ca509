// SPDX-License-Identifier: Apache-2.0
#include "vision/model_registry.h"

#include <functional>
#include <map>

#include "vision/classifier.h"
#include "vision/mobilenet.h"
#include "vision/model_names.h"
#include "vision/resnet.h"
#include "vision/swin.h"
#include "vision/vit.h"

namespace berth::vision {
namespace {

using Builder = std::function<std::shared_ptr<Classifier>(const ModelOptions&)>;

Builder resnet(const ResnetShape& shape) {
  return [shape](const ModelOptions& options) { return make_resnet(shape, options); };
}

Builder vit(const VitShape& shape) {
  return [shape](const ModelOptions& options) { return make_vit(shape, options); };
}

Builder swin(const SwinShape& shape) {
  return [shape](const ModelOptions& options) { return make_swin_v2(shape, options); };
}

Builder mobilenet(MobilenetSize size) {
  return [size](const ModelOptions& options) { return make_mobilenet_v3(size, options); };
}

// A new family adds its rows here; torchvision's names and shapes.
const std::map<std::string, Builder>& builders() {
  static const std::map<std::string, Builder> all = {
      {"resnet18", resnet({ResnetBlock::kBasic, {2, 2, 2, 2}})},
      {"resnet34", resnet({ResnetBlock::kBasic, {3, 4, 6, 3}})},
      {"resnet50", resnet({ResnetBlock::kBottleneck, {3, 4, 6, 3}})},
      {"resnet101", resnet({ResnetBlock::kBottleneck, {3, 4, 23, 3}})},
      {"resnet152", resnet({ResnetBlock::kBottleneck, {3, 8, 36, 3}})},
      {"vit_b_16", vit({16, 12, 12, 768, 3072})},
      {"vit_b_32", vit({32, 12, 12, 768, 3072})},
      {"vit_l_16", vit({16, 24, 16, 1024, 4096})},
      {"vit_l_32", vit({32, 24, 16, 1024, 4096})},
      {"vit_h_14", vit({14, 32, 16, 1280, 5120})},
      {"swin_v2_t", swin({96, {2, 2, 6, 2}, {3, 6, 12, 24}, 0.2})},
      {"swin_v2_s", swin({96, {2, 2, 18, 2}, {3, 6, 12, 24}, 0.3})},
      {"swin_v2_b", swin({128, {2, 2, 18, 2}, {4, 8, 16, 32}, 0.5})},
      {"mobilenet_v3_small", mobilenet(MobilenetSize::kSmall)},
      {"mobilenet_v3_large", mobilenet(MobilenetSize::kLarge)},
  };
  return all;
}

}  // namespace

protocol::Result<std::shared_ptr<Classifier>> create_model(const std::string& name,
                                                           const ModelOptions& options) {
  const auto found = builders().find(name);
  if (found != builders().end()) return found->second(options);
  if (auto known = check_model_name(name); !known) return forward_error(known);
  return protocol::failed(protocol::ErrorCode::kInternal, "model " + name + " has no builder");
}

}  // namespace berth::vision
