// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/architecture.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace berth::checkpoint {
namespace {

using Shape = std::vector<int64_t>;
using Tensors = std::map<std::string, TensorView>;

const Shape* shape_of(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second.shape;
}

bool has_shape(const Tensors& tensors, const std::string& name, const Shape& shape) {
  const Shape* found = shape_of(tensors, name);
  return found != nullptr && *found == shape;
}

/// One side of a tensor; 0 if there is no such tensor or side.
int64_t side(const Tensors& tensors, const std::string& name, size_t dimension) {
  const Shape* shape = shape_of(tensors, name);
  return shape != nullptr && dimension < shape->size() ? (*shape)[dimension] : 0;
}

/// How many of "<before>0<after>", "<before>1<after>", ... there are.
int count(const Tensors& tensors, const std::string& before, const std::string& after) {
  int found = 0;
  while (tensors.count(before + std::to_string(found) + after) != 0) ++found;
  return found;
}

std::optional<int64_t> outputs(const Tensors& tensors, const std::string& layer) {
  const int64_t classes = side(tensors, layer, 0);
  return classes > 0 ? std::optional<int64_t>(classes) : std::nullopt;
}

std::optional<Architecture> resnet(const Tensors& tensors) {
  if (!has_shape(tensors, "conv1.weight", {64, 3, 7, 7})) return std::nullopt;
  const bool bottleneck = tensors.count("layer1.0.conv3.weight") != 0;
  const Shape middle{64, 64, 3, 3};  // others in ResNeXt and Wide ResNet
  if (!has_shape(tensors, "layer1.0.conv2.weight", middle)) return std::nullopt;
  struct Row {
    const char* name;
    bool bottleneck;
    int blocks[4];
  };
  constexpr Row kRows[] = {{"resnet18", false, {2, 2, 2, 2}},
                           {"resnet34", false, {3, 4, 6, 3}},
                           {"resnet50", true, {3, 4, 6, 3}},
                           {"resnet101", true, {3, 4, 23, 3}},
                           {"resnet152", true, {3, 8, 36, 3}}};
  for (const Row& row : kRows) {
    bool same = row.bottleneck == bottleneck;
    for (int i = 0; i < 4; ++i) {
      const std::string layer = "layer" + std::to_string(i + 1) + ".";
      same = same && count(tensors, layer, ".conv1.weight") == row.blocks[i];
    }
    if (same) return Architecture{row.name, outputs(tensors, "fc.weight"), {}, {}};
  }
  return std::nullopt;
}

std::optional<Architecture> vit(const Tensors& tensors) {
  struct Row {
    const char* name;
    int64_t width, patch;
    int layers;
  };
  constexpr Row kRows[] = {{"vit_b_16", 768, 16, 12},
                           {"vit_b_32", 768, 32, 12},
                           {"vit_l_16", 1024, 16, 24},
                           {"vit_l_32", 1024, 32, 24},
                           {"vit_h_14", 1280, 14, 32}};
  const int layers = count(tensors, "encoder.layers.encoder_layer_", ".ln_1.weight");
  for (const Row& row : kRows) {
    if (layers != row.layers ||
        !has_shape(tensors, "conv_proj.weight", {row.width, 3, row.patch, row.patch})) {
      continue;
    }
    Architecture found{row.name, outputs(tensors, "heads.head.weight"), {}, {}};
    const int64_t patches = side(tensors, "encoder.pos_embedding", 1) - 1;  // and a class token
    const auto along = static_cast<int64_t>(std::lround(std::sqrt(std::max<int64_t>(patches, 0))));
    if (patches > 0 && along < 100'000 && along * along == patches) {
      found.image_size = along * row.patch;
    }
    return found;
  }
  return std::nullopt;
}

std::optional<Architecture> swin(const Tensors& tensors) {
  struct Row {
    const char* name;
    int64_t width;
    int deep_blocks;
  };
  constexpr Row kRows[] = {{"swin_v2_t", 96, 6}, {"swin_v2_s", 96, 18}, {"swin_v2_b", 128, 18}};
  if (tensors.count("features.1.0.attn.logit_scale") == 0) return std::nullopt;  // V1 has none
  const int deep_blocks = count(tensors, "features.5.", ".norm1.weight");
  for (const Row& row : kRows) {
    if (deep_blocks == row.deep_blocks &&
        has_shape(tensors, "features.0.0.weight", {row.width, 3, 4, 4})) {
      return Architecture{row.name, outputs(tensors, "head.weight"), {}, {}};
    }
  }
  return std::nullopt;
}

std::optional<Architecture> mobilenet(const Tensors& tensors) {
  struct Row {
    const char* name;
    const char* last;
    Shape shape;
  };
  const Row rows[] = {{"mobilenet_v3_small", "features.12.0.weight", {576, 96, 1, 1}},
                      {"mobilenet_v3_large", "features.16.0.weight", {960, 160, 1, 1}}};
  for (const Row& row : rows) {
    if (!has_shape(tensors, row.last, row.shape) ||
        !has_shape(tensors, "features.0.0.weight", {16, 3, 3, 3})) {
      continue;
    }
    Architecture found{row.name, outputs(tensors, "classifier.3.weight"), {}, {}};
    if (side(tensors, "classifier.0.weight", 1) == row.shape[0]) {
      found.hidden = outputs(tensors, "classifier.0.weight");
    }
    return found;
  }
  return std::nullopt;
}

}  // namespace

Architecture guess_architecture(const std::map<std::string, TensorView>& tensors) {
  for (const auto& family : {resnet, vit, swin, mobilenet}) {
    if (auto found = family(tensors)) return *found;
  }
  return {};
}

}  // namespace berth::checkpoint
