// SPDX-License-Identifier: Apache-2.0
// What every image classifier is to the trainer and to inference.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>

namespace berth::vision {

/// A module from pictures (N x 3 x S x S, float, 0..1, RGB) to class scores (N x num_classes,
/// logits). Parameters and buffers carry torchvision's names, so that weights can be exchanged.
class Classifier : public torch::nn::Module {
 public:
  virtual at::Tensor forward(at::Tensor pictures) = 0;

  /// Name prefix of the layer whose shape depends on the number of classes, for example "fc.".
  virtual std::string head_prefix() const = 0;
};

}  // namespace berth::vision
