// SPDX-License-Identifier: Apache-2.0
#include "vision/vit.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>

#include "vision/attention.h"
#include "vision/layers.h"
#include "vision/linear.h"

namespace berth::vision {
namespace {

namespace nn = torch::nn;
using at::Tensor;

constexpr int64_t kPictureSize = 224;  // of the position embedding
constexpr double kEpsilon = 1e-6;

nn::LayerNorm layer_norm(int64_t width) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(kEpsilon));
}

/// Keys, queries and values from one matrix, as torch.nn.MultiheadAttention names it.
struct SelfAttention final : nn::Module {
  int64_t heads;
  Tensor in_proj_weight, in_proj_bias;
  nn::Linear out_proj;

  SelfAttention(int64_t width, int64_t head_count) : heads(head_count), out_proj(width, width) {
    in_proj_weight = register_parameter("in_proj_weight", at::empty({3 * width, width}));
    in_proj_bias = register_parameter("in_proj_bias", at::zeros({3 * width}));
    register_module("out_proj", out_proj);
    nn::init::xavier_uniform_(in_proj_weight);
    nn::init::zeros_(out_proj->bias);
  }

  Tensor forward(const Tensor& x) {
    return linear(out_proj, self_attention(linear(x, in_proj_weight, in_proj_bias), heads));
  }
};

struct EncoderLayer final : nn::Module {
  double dropout;
  nn::LayerNorm ln_1, ln_2;
  std::shared_ptr<SelfAttention> self_attention;
  std::shared_ptr<Mlp> mlp;

  EncoderLayer(const VitShape& shape, double dropout_probability)
      : dropout(dropout_probability), ln_1(layer_norm(shape.width)), ln_2(layer_norm(shape.width)) {
    register_module("ln_1", ln_1);
    self_attention = register_module("self_attention",
                                     std::make_shared<SelfAttention>(shape.width, shape.heads));
    register_module("ln_2", ln_2);
    mlp = register_module("mlp", std::make_shared<Mlp>(shape.width, shape.mlp_width));
  }

  Tensor forward(Tensor x) {
    x = x + at::dropout(self_attention->forward(ln_1->forward(x)), dropout, is_training());
    return x + at::dropout(mlp->forward(ln_2->forward(x)), dropout, is_training());
  }
};

struct Encoder final : nn::Module {
  double dropout;
  Tensor pos_embedding;
  std::vector<std::shared_ptr<EncoderLayer>> stack;
  nn::LayerNorm ln;

  Encoder(const VitShape& shape, double dropout_probability)
      : dropout(dropout_probability), ln(layer_norm(shape.width)) {
    const int64_t side = kPictureSize / shape.patch;
    pos_embedding =
        register_parameter("pos_embedding", at::empty({1, side * side + 1, shape.width}));
    nn::init::normal_(pos_embedding, 0.0, 0.02);
    const auto layers = register_module("layers", std::make_shared<nn::Module>());
    for (int64_t i = 0; i < shape.layers; ++i) {
      stack.push_back(layers->register_module("encoder_layer_" + std::to_string(i),
                                              std::make_shared<EncoderLayer>(shape, dropout)));
    }
    register_module("ln", ln);
  }

  /// For rows x columns patches; the class token's comes first and stays as it is.
  Tensor positions(int64_t rows, int64_t columns) const {
    const int64_t width = pos_embedding.size(2);
    const auto side = static_cast<int64_t>(std::lround(std::sqrt(pos_embedding.size(1) - 1.0)));
    if (rows == side && columns == side) return pos_embedding;
    const Tensor grid = pos_embedding.slice(1, 1).transpose(1, 2).reshape({1, width, side, side});
    const Tensor resampled = at::upsample_bicubic2d(grid, {rows, columns}, /*align_corners=*/false);
    return at::cat({pos_embedding.slice(1, 0, 1), resampled.flatten(2).transpose(1, 2)}, 1);
  }

  Tensor forward(Tensor x, int64_t rows, int64_t columns) {
    x = at::dropout(x + positions(rows, columns), dropout, is_training());
    for (const auto& layer : stack) x = layer->forward(x);
    return ln->forward(x);
  }
};

class Vit final : public Classifier {
 public:
  Vit(const VitShape& shape, const ModelOptions& options)
      : conv_proj_(nn::Conv2dOptions(3, shape.width, shape.patch).stride(shape.patch)) {
    class_token_ = register_parameter("class_token", at::zeros({1, 1, shape.width}));
    register_module("conv_proj", conv_proj_);
    encoder_ =
        register_module("encoder", std::make_shared<Encoder>(shape, options.dropout.value_or(0)));
    const auto heads = register_module("heads", std::make_shared<nn::Module>());
    head_ = heads->register_module("head", nn::Linear(shape.width, options.num_classes));
    const auto inputs = static_cast<double>(3 * shape.patch * shape.patch);
    truncated_normal_(conv_proj_->weight, std::sqrt(1 / inputs));
    for (const Tensor& zero : {conv_proj_->bias, head_->weight, head_->bias})
      nn::init::zeros_(zero);
  }

  Tensor forward(Tensor pictures) override {
    const Tensor patches = conv_proj_->forward(pictures);
    const int64_t rows = patches.size(2), columns = patches.size(3);
    const Tensor tokens = patches.flatten(2).transpose(1, 2);
    const Tensor x = at::cat({class_token_.expand({tokens.size(0), -1, -1}), tokens}, 1);
    return head_->forward(encoder_->forward(x, rows, columns).select(1, 0));
  }

  std::string head_prefix() const override { return "heads.head."; }

 private:
  Tensor class_token_;
  nn::Conv2d conv_proj_;
  std::shared_ptr<Encoder> encoder_;
  nn::Linear head_{nullptr};
};

}  // namespace

std::shared_ptr<Classifier> make_vit(const VitShape& shape, const ModelOptions& options) {
  return std::make_shared<Vit>(shape, options);
}

}  // namespace berth::vision
