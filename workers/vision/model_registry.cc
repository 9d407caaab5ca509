// SPDX-License-Identifier: Apache-2.0
#include "vision/model_registry.h"

#include "vision/classifier.h"
#include "vision/model_names.h"
#include "vision/resnet.h"

namespace berth::vision {
namespace {

struct Model {
  const char* name;
  std::shared_ptr<Classifier> (*create)(int64_t num_classes);
};

// A new family adds its rows here; torchvision's names.
const Model kModels[] = {
    {"resnet18", [](int64_t n) { return make_resnet({ResnetBlock::kBasic, {2, 2, 2, 2}}, n); }},
    {"resnet34", [](int64_t n) { return make_resnet({ResnetBlock::kBasic, {3, 4, 6, 3}}, n); }},
    {"resnet50",
     [](int64_t n) { return make_resnet({ResnetBlock::kBottleneck, {3, 4, 6, 3}}, n); }},
    {"resnet101",
     [](int64_t n) { return make_resnet({ResnetBlock::kBottleneck, {3, 4, 23, 3}}, n); }},
    {"resnet152",
     [](int64_t n) { return make_resnet({ResnetBlock::kBottleneck, {3, 8, 36, 3}}, n); }},
};

}  // namespace

protocol::Result<std::shared_ptr<Classifier>> create_model(const std::string& name,
                                                           int64_t num_classes) {
  for (const Model& model : kModels) {
    if (name == model.name) return model.create(num_classes);
  }
  if (auto known = check_model_name(name); !known) return forward_error(known);
  return protocol::failed(protocol::ErrorCode::kInternal, "model " + name + " has no builder");
}

}  // namespace berth::vision
