// SPDX-License-Identifier: Apache-2.0
#include "vision/mobilenet.h"

#include <ATen/ops/dropout.h>
#include <ATen/ops/hardsigmoid.h>
#include <ATen/ops/hardswish.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <vector>

namespace berth::vision {
namespace {

namespace nn = torch::nn;
using at::Tensor;

enum class Activation { kNone, kRelu, kHardswish };

/// The nearest multiple of 8, but not less than nine tenths.
int64_t multiple_of_8(int64_t channels) {
  const int64_t rounded = std::max<int64_t>(8, (channels + 4) / 8 * 8);
  return rounded * 10 < channels * 9 ? rounded + 8 : rounded;
}

/// Convolution "0", batch normalisation "1", activation.
struct ConvNorm final : nn::Module {
  Activation activation;
  nn::Conv2d conv;
  nn::BatchNorm2d norm;

  ConvNorm(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups, Activation kind)
      : activation(kind),
        conv(nn::Conv2dOptions(in, out, kernel)
                 .stride(stride)
                 .padding(kernel / 2)
                 .groups(groups)
                 .bias(false)),
        norm(nn::BatchNorm2dOptions(out).eps(0.001).momentum(0.01)) {
    register_module("0", conv);
    register_module("1", norm);
  }

  Tensor forward(const Tensor& x) {
    Tensor out = norm->forward(conv->forward(x));
    if (activation == Activation::kRelu) return out.relu_();
    return activation == Activation::kHardswish ? at::hardswish_(out) : out;
  }
};

/// Channels weighted by what all of the picture says (Hu et al., arXiv 1709.01507).
struct SqueezeExcitation final : nn::Module {
  nn::Conv2d fc1, fc2;

  explicit SqueezeExcitation(int64_t channels)
      : fc1(nn::Conv2dOptions(channels, multiple_of_8(channels / 4), 1)),
        fc2(nn::Conv2dOptions(multiple_of_8(channels / 4), channels, 1)) {
    register_module("fc1", fc1);
    register_module("fc2", fc2);
  }

  Tensor forward(const Tensor& x) {
    const Tensor mean = x.mean({2, 3}, /*keepdim=*/true);
    return x * at::hardsigmoid(fc2->forward(fc1->forward(mean).relu_()));
  }
};

/// A row of the tables in the paper.
struct Row {
  int64_t kernel, expanded, out;
  bool squeeze;
  Activation activation;
  int64_t stride;
};

struct Bneck final : nn::Module {
  bool shortcut;
  std::shared_ptr<ConvNorm> expand, depthwise, project;
  std::shared_ptr<SqueezeExcitation> squeeze;

  Bneck(int64_t in, const Row& row) : shortcut(row.stride == 1 && in == row.out) {
    const auto block = register_module("block", std::make_shared<nn::Module>());
    int next = 0;
    const auto add = [&](auto module) {
      return block->register_module(std::to_string(next++), std::move(module));
    };
    if (row.expanded != in)
      expand = add(std::make_shared<ConvNorm>(in, row.expanded, 1, 1, 1, row.activation));
    depthwise = add(std::make_shared<ConvNorm>(row.expanded, row.expanded, row.kernel, row.stride,
                                               row.expanded, row.activation));
    if (row.squeeze) squeeze = add(std::make_shared<SqueezeExcitation>(row.expanded));
    project = add(std::make_shared<ConvNorm>(row.expanded, row.out, 1, 1, 1, Activation::kNone));
  }

  Tensor forward(const Tensor& x) {
    Tensor out = depthwise->forward(expand ? expand->forward(x) : x);
    if (squeeze) out = squeeze->forward(out);
    out = project->forward(out);
    return shortcut ? out.add_(x) : out;
  }
};

constexpr Activation kRe = Activation::kRelu, kHs = Activation::kHardswish;
constexpr int64_t kStem = 16;

const std::vector<Row>& rows_of(MobilenetSize size) {
  static const std::vector<Row> large = {
      {3, 16, 16, false, kRe, 1},  {3, 64, 24, false, kRe, 2},  {3, 72, 24, false, kRe, 1},
      {5, 72, 40, true, kRe, 2},   {5, 120, 40, true, kRe, 1},  {5, 120, 40, true, kRe, 1},
      {3, 240, 80, false, kHs, 2}, {3, 200, 80, false, kHs, 1}, {3, 184, 80, false, kHs, 1},
      {3, 184, 80, false, kHs, 1}, {3, 480, 112, true, kHs, 1}, {3, 672, 112, true, kHs, 1},
      {5, 672, 160, true, kHs, 2}, {5, 960, 160, true, kHs, 1}, {5, 960, 160, true, kHs, 1},
  };
  static const std::vector<Row> small = {
      {3, 16, 16, true, kRe, 2},  {3, 72, 24, false, kRe, 2}, {3, 88, 24, false, kRe, 1},
      {5, 96, 40, true, kHs, 2},  {5, 240, 40, true, kHs, 1}, {5, 240, 40, true, kHs, 1},
      {5, 120, 48, true, kHs, 1}, {5, 144, 48, true, kHs, 1}, {5, 288, 96, true, kHs, 2},
      {5, 576, 96, true, kHs, 1}, {5, 576, 96, true, kHs, 1},
  };
  return size == MobilenetSize::kLarge ? large : small;
}

constexpr int64_t kRfuavHidden = 512;

class MobilenetV3 final : public Classifier {
 public:
  MobilenetV3(MobilenetSize size, const ModelOptions& options)
      : dropout_(options.dropout.value_or(0.2)) {
    const auto& rows = rows_of(size);
    const int64_t last = rows.back().out, features = 6 * last;
    const int64_t width = options.head_hidden.value_or(size == MobilenetSize::kLarge ? 1280 : 1024);
    relu_head_ = width == kRfuavHidden;
    const auto list = register_module("features", std::make_shared<nn::Module>());
    stem_ = list->register_module("0", std::make_shared<ConvNorm>(3, kStem, 3, 2, 1, kHs));
    int64_t channels = kStem;
    for (const Row& row : rows) {
      bnecks_.push_back(list->register_module(std::to_string(bnecks_.size() + 1),
                                              std::make_shared<Bneck>(channels, row)));
      channels = row.out;
    }
    top_ = list->register_module(std::to_string(rows.size() + 1),
                                 std::make_shared<ConvNorm>(last, features, 1, 1, 1, kHs));
    const auto classifier = register_module("classifier", std::make_shared<nn::Module>());
    hidden_ = classifier->register_module("0", nn::Linear(features, width));
    head_ = classifier->register_module("3", nn::Linear(width, options.num_classes));
    for (const auto& module : modules(/*include_self=*/false)) {
      if (auto* conv = module->as<nn::Conv2d>()) {
        nn::init::kaiming_normal_(conv->weight, 0.0, torch::kFanOut, torch::kReLU);
        if (conv->bias.defined()) nn::init::zeros_(conv->bias);
      } else if (auto* linear = module->as<nn::Linear>()) {
        nn::init::normal_(linear->weight, 0.0, 0.01);
        nn::init::zeros_(linear->bias);
      }
    }
  }

  Tensor forward(Tensor x) override {
    x = stem_->forward(x);
    for (const auto& bneck : bnecks_) x = bneck->forward(x);
    x = top_->forward(x).mean({2, 3});
    x = hidden_->forward(x);
    x = relu_head_ ? at::relu(x) : at::hardswish(x);
    return head_->forward(at::dropout(x, dropout_, is_training()));
  }

  std::string head_prefix() const override { return "classifier.3."; }

 private:
  double dropout_;
  bool relu_head_ = false;
  std::shared_ptr<ConvNorm> stem_, top_;
  std::vector<std::shared_ptr<Bneck>> bnecks_;
  nn::Linear hidden_{nullptr}, head_{nullptr};
};

}  // namespace

std::shared_ptr<Classifier> make_mobilenet_v3(MobilenetSize size, const ModelOptions& options) {
  return std::make_shared<MobilenetV3>(size, options);
}

}  // namespace berth::vision
