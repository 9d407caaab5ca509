// SPDX-License-Identifier: Apache-2.0
// Which of torchvision's classifiers weights belong to, told by names and shapes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "checkpoint/tensor.h"

namespace berth::checkpoint {

struct Architecture {
  std::string name = "unknown";       ///< torchvision's, for example "vit_b_16"
  std::optional<int64_t> classes;     ///< outputs of the last layer
  std::optional<int64_t> hidden;      ///< values between the two layers of a MobileNet's head
  std::optional<int64_t> image_size;  ///< side in pixels, where the weights fix it (ViT)
};

/// ResNet 18 to 152, ViT, Swin V2 and MobileNet V3. Everything that tells two of them apart is
/// looked at: block counts, widths, patch sizes; relatives with the same names (ResNeXt, Wide
/// ResNet, Swin V1) are "unknown".
Architecture guess_architecture(const std::map<std::string, TensorView>& tensors);

}  // namespace berth::checkpoint
