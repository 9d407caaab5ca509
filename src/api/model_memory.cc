// SPDX-License-Identifier: Apache-2.0
#include "api/model_memory.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace berth::api {

namespace {

struct Model {
  std::string_view name;
  double parameters;  // millions, with 1,000 classes
  double kept;        // MiB
};

// Of torchvision's models (0.14) with random weights: what their parameters number, and the
// storages, each counted once, that autograd's saved_tensors_hooks see in one forward pass of
// training, for each picture of 224 x 224 (the difference between a batch of three and of one).
constexpr std::array kModels{
    Model{"resnet18", 11.69, 21.2},          Model{"resnet34", 21.80, 30.7},
    Model{"resnet50", 25.56, 81.9},          Model{"resnet101", 44.55, 121.0},
    Model{"resnet152", 60.19, 169.2},        Model{"vit_b_16", 86.57, 133.9},
    Model{"vit_b_32", 88.22, 30.4},          Model{"vit_l_16", 304.33, 354.5},
    Model{"vit_l_32", 306.54, 79.6},         Model{"vit_h_14", 632.05, 774.7},
    Model{"swin_v2_t", 28.35, 143.3},        Model{"swin_v2_s", 49.74, 235.8},
    Model{"swin_v2_b", 87.93, 314.1},        Model{"mobilenet_v3_small", 2.54, 15.5},
    Model{"mobilenet_v3_large", 5.48, 42.2},
};

constexpr double kMib = 1024.0 * 1024;
// The CUDA context and the libraries' workspaces.
constexpr double kContext = 768 * kMib;
constexpr double kBytesPerParameter = 16;
// Gradients of the activations, and what the allocator cannot hand out of its blocks.
constexpr double kBeside = 1.25;

}  // namespace

std::optional<base::Bytes> training_memory(const std::string& model, std::int64_t batch_size,
                                           std::int64_t image_size) {
  const auto* found = std::find_if(kModels.begin(), kModels.end(),
                                   [&](const Model& known) { return known.name == model; });
  if (found == kModels.end()) return std::nullopt;
  const double side = static_cast<double>(image_size) / 224;
  const double bytes = kContext + found->parameters * 1e6 * kBytesPerParameter +
                       static_cast<double>(batch_size) * side * side * found->kept * kMib * kBeside;
  constexpr double kMost = 1e18;  // a batch that no device will ever take
  return base::Bytes{static_cast<std::int64_t>(std::min(bytes, kMost))};
}

}  // namespace berth::api
