// SPDX-License-Identifier: Apache-2.0
#include "vision/resnet.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "vision/winograd.h"

namespace berth::vision {
namespace {

namespace nn = torch::nn;
using at::Tensor;

Convolution conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return Convolution(in, out, kernel, stride);
}

/// The shortcut of a block that changes the shape: 1x1 convolution and normalisation.
nn::Sequential projection(int64_t in, int64_t out, int64_t stride) {
  return nn::Sequential(conv(in, out, 1, stride), nn::BatchNorm2d(out));
}

struct Block : nn::Module {
  virtual Tensor forward(Tensor x) = 0;
};

struct BasicBlock final : Block {
  static constexpr int64_t kExpansion = 1;
  Convolution conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential downsample{nullptr};

  BasicBlock(int64_t in, int64_t width, int64_t stride)
      : conv1(conv(in, width, 3, stride)), conv2(conv(width, width, 3, 1)), bn1(width), bn2(width) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    if (stride != 1 || in != width) {
      downsample = register_module("downsample", projection(in, width, stride));
    }
  }

  Tensor forward(Tensor x) override {
    Tensor out = bn1->forward(conv1->forward(x)).relu_();
    out = bn2->forward(conv2->forward(out));
    return out.add_(downsample.is_empty() ? x : downsample->forward(x)).relu_();
  }
};

struct Bottleneck final : Block {
  static constexpr int64_t kExpansion = 4;
  Convolution conv1, conv2, conv3;
  nn::BatchNorm2d bn1, bn2, bn3;
  nn::Sequential downsample{nullptr};

  Bottleneck(int64_t in, int64_t width, int64_t stride)
      : conv1(conv(in, width, 1, 1)),
        conv2(conv(width, width, 3, stride)),
        conv3(conv(width, width * kExpansion, 1, 1)),
        bn1(width),
        bn2(width),
        bn3(width * kExpansion) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("conv3", conv3);
    register_module("bn3", bn3);
    if (stride != 1 || in != width * kExpansion) {
      downsample = register_module("downsample", projection(in, width * kExpansion, stride));
    }
  }

  Tensor forward(Tensor x) override {
    Tensor out = bn1->forward(conv1->forward(x)).relu_();
    out = bn2->forward(conv2->forward(out)).relu_();
    out = bn3->forward(conv3->forward(out));
    return out.add_(downsample.is_empty() ? x : downsample->forward(x)).relu_();
  }
};

/// The blocks of one stage, named "0", "1", ... .
struct Stage final : nn::Module {
  std::vector<std::shared_ptr<Block>> blocks;

  template <typename B>
  static std::shared_ptr<Stage> make(int64_t in, int64_t width, int depth, int64_t stride) {
    auto stage = std::make_shared<Stage>();
    for (int i = 0; i < depth; ++i) {
      std::shared_ptr<Block> block =
          std::make_shared<B>(i == 0 ? in : width * B::kExpansion, width, i == 0 ? stride : 1);
      stage->blocks.push_back(stage->register_module(std::to_string(i), block));
    }
    return stage;
  }

  Tensor forward(Tensor x) {
    for (const auto& block : blocks) x = block->forward(x);
    return x;
  }
};

class Resnet final : public Classifier {
 public:
  Resnet(const ResnetShape& shape, int64_t num_classes) : conv1_(3, 64, 7, 2), bn1_(64) {
    register_module("conv1", conv1_);
    register_module("bn1", bn1_);
    int64_t channels = 64;
    for (int i = 0; i < 4; ++i) {
      const int64_t width = int64_t{64} << i, stride = i == 0 ? 1 : 2;
      const int depth = shape.depths[static_cast<size_t>(i)];
      if (shape.block == ResnetBlock::kBasic) {
        stages_[i] = Stage::make<BasicBlock>(channels, width, depth, stride);
        channels = width * BasicBlock::kExpansion;
      } else {
        stages_[i] = Stage::make<Bottleneck>(channels, width, depth, stride);
        channels = width * Bottleneck::kExpansion;
      }
      register_module("layer" + std::to_string(i + 1), stages_[i]);
    }
    fc_ = register_module("fc", nn::Linear(channels, num_classes));
    for (const auto& module : modules(/*include_self=*/false)) {
      if (auto* convolution = module->as<nn::Conv2d>()) {
        nn::init::kaiming_normal_(convolution->weight, 0.0, torch::kFanOut, torch::kReLU);
      }
    }
  }

  Tensor forward(Tensor x) override {
    x = bn1_->forward(conv1_->forward(x)).relu_();
    x = at::max_pool2d(x, 3, 2, 1);
    for (const auto& stage : stages_) x = stage->forward(x);
    return fc_->forward(x.mean({2, 3}));
  }

  std::string head_prefix() const override { return "fc."; }

 private:
  Convolution conv1_;
  nn::BatchNorm2d bn1_;
  std::array<std::shared_ptr<Stage>, 4> stages_;
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Classifier> make_resnet(const ResnetShape& shape, const ModelOptions& options) {
  return std::make_shared<Resnet>(shape, options.num_classes);
}

}  // namespace berth::vision
