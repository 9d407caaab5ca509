// SPDX-License-Identifier: Apache-2.0
#include "vision/swin.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log2.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/meshgrid.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/functional/normalization.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>

#include "vision/layers.h"
#include "vision/linear.h"

namespace berth::vision {
namespace {

namespace nn = torch::nn;
using at::Tensor;

constexpr int64_t kPatch = 4;
constexpr int64_t kWindow = 8;
constexpr int64_t kTokens = kWindow * kWindow;  // of a window
constexpr int64_t kBiasHidden = 512;
constexpr int64_t kMlpRatio = 4;

nn::LayerNorm layer_norm(int64_t width) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(1e-5));
}

/// For every offset between two tokens of a window, -7 to 7 in either direction: its logarithm with
/// its sign, scaled to -1 to 1 (equation 4 of the second paper). 1 x 15 x 15 x 2.
Tensor relative_coordinates() {
  const Tensor offsets = at::arange(-(kWindow - 1), kWindow, at::kFloat) / (kWindow - 1) * 8;
  const Tensor table = at::stack(at::meshgrid({offsets, offsets}, "ij")).permute({1, 2, 0});
  return (table.sign() * at::log2(table.abs() + 1) / 3.0).unsqueeze(0).contiguous();
}

/// Where in that table the offset of two tokens is; tokens x tokens, flat.
Tensor relative_positions() {
  const Tensor line = at::arange(kWindow, at::kLong);
  const Tensor places = at::stack(at::meshgrid({line, line}, "ij")).flatten(1);
  const Tensor offsets = places.unsqueeze(2) - places.unsqueeze(1) + (kWindow - 1);
  return (offsets[0] * (2 * kWindow - 1) + offsets[1]).flatten();
}

/// N x rows x columns x C, multiples of the window, to windows x tokens x C.
Tensor to_windows(const Tensor& x) {
  const int64_t rows = x.size(1) / kWindow, columns = x.size(2) / kWindow, width = x.size(3);
  return x.reshape({x.size(0), rows, kWindow, columns, kWindow, width})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, kTokens, width});
}

Tensor from_windows(const Tensor& x, int64_t height, int64_t width) {
  const int64_t rows = height / kWindow, columns = width / kWindow, channels = x.size(2);
  return x.reshape({-1, rows, columns, kWindow, kWindow, channels})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, height, width, channels});
}

/// After a shift, a window at the edge holds tokens that are not neighbours: -100 between those, so
/// that they do not see each other. Windows x tokens x tokens.
Tensor shift_mask(int64_t height, int64_t width, int64_t down, int64_t right, const Tensor& like) {
  Tensor regions = at::zeros({height, width}, like.options());
  const auto edges = [](int64_t size, int64_t shift) {
    return std::array<int64_t, 4>{0, size - kWindow, size - shift, size};
  };
  const auto row = edges(height, down), column = edges(width, right);
  int64_t region = 0;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      regions.slice(0, row[i], row[i + 1]).slice(1, column[j], column[j + 1]).fill_(region++);
    }
  }
  const Tensor windows = to_windows(regions.reshape({1, height, width, 1})).squeeze(2);
  const Tensor differ = windows.unsqueeze(1) - windows.unsqueeze(2);
  return differ.ne(0).to(like.scalar_type()) * -100.0;
}

struct WindowAttention final : nn::Module {
  int64_t heads, shift;
  double dropout;
  Tensor logit_scale, coordinates, positions;
  nn::Linear qkv, proj, bias_in, bias_out;

  WindowAttention(int64_t width, int64_t head_count, int64_t shift_by, double dropout_probability)
      : heads(head_count),
        shift(shift_by),
        dropout(dropout_probability),
        qkv(width, 3 * width),
        proj(width, width),
        bias_in(2, kBiasHidden),
        bias_out(nn::LinearOptions(kBiasHidden, head_count).bias(false)) {
    logit_scale = register_parameter("logit_scale", at::full({heads, 1, 1}, std::log(10.0)));
    coordinates = register_buffer("relative_coords_table", relative_coordinates());
    positions = register_buffer("relative_position_index", relative_positions());
    register_module("qkv", qkv);
    register_module("proj", proj);
    const auto cpb_mlp = register_module("cpb_mlp", std::make_shared<nn::Module>());
    cpb_mlp->register_module("0", bias_in);
    cpb_mlp->register_module("2", bias_out);
  }

  /// 1 x heads x tokens x tokens.
  Tensor position_bias() {
    const Tensor table =
        bias_out->forward(bias_in->forward(coordinates).relu()).reshape({-1, heads});
    const Tensor bias = table.index_select(0, positions).reshape({kTokens, kTokens, heads});
    return 16 * bias.permute({2, 0, 1}).unsqueeze(0).sigmoid();
  }

  /// Keys have no bias: with the cosine it would be no constant that the softmax takes out.
  Tensor qkv_bias() const {
    const auto parts = qkv->bias.chunk(3);
    return at::cat({parts[0], at::zeros_like(parts[1]), parts[2]});
  }

  Tensor forward(const Tensor& input) {
    const int64_t rows = input.size(1), columns = input.size(2), width = input.size(3);
    const auto padding = [](int64_t size) { return (kWindow - size % kWindow) % kWindow; };
    Tensor x = at::constant_pad_nd(input, {0, 0, 0, padding(columns), 0, padding(rows)});
    const int64_t height = x.size(1), breadth = x.size(2);
    // One window sees everything, whatever the shift.
    const int64_t down = kWindow >= height ? 0 : shift, right = kWindow >= breadth ? 0 : shift;
    const bool shifted = down + right > 0;
    if (shifted) x = at::roll(x, {-down, -right}, {1, 2});

    const Tensor windows = to_windows(x);
    const Tensor parts = linear(windows, qkv->weight, qkv_bias())
                             .reshape({-1, kTokens, 3, heads, width / heads})
                             .permute({2, 0, 3, 1, 4});
    namespace F = nn::functional;
    const auto unit = F::NormalizeFuncOptions().dim(-1);
    const Tensor scale = at::clamp(logit_scale, c10::nullopt, std::log(100.0)).exp();
    Tensor scores =
        at::matmul(F::normalize(parts[0], unit), F::normalize(parts[1], unit).transpose(-2, -1)) *
            scale +
        position_bias();
    if (shifted) {
      const Tensor mask = shift_mask(height, breadth, down, right, scores);
      const int64_t count = mask.size(0);
      scores =
          (scores.reshape({-1, count, heads, kTokens, kTokens}) + mask.unsqueeze(1).unsqueeze(0))
              .reshape({-1, heads, kTokens, kTokens});
    }
    scores = at::dropout(at::softmax(scores, -1), dropout, is_training());
    x = at::matmul(scores, parts[2]).transpose(1, 2).reshape({-1, kTokens, width});
    x = at::dropout(linear(proj, x), dropout, is_training());
    x = from_windows(x, height, breadth);
    if (shifted) x = at::roll(x, {down, right}, {1, 2});
    return x.slice(1, 0, rows).slice(2, 0, columns).contiguous();
  }
};

/// Normalised after each branch, which keeps the activations of large models small.
struct Block final : nn::Module {
  double dropped;
  nn::LayerNorm norm1, norm2;
  std::shared_ptr<WindowAttention> attn;
  std::shared_ptr<Mlp> mlp;

  Block(int64_t width, int64_t heads, int64_t shift, double dropout, double drop_probability)
      : dropped(drop_probability), norm1(layer_norm(width)), norm2(layer_norm(width)) {
    register_module("norm1", norm1);
    attn = register_module("attn", std::make_shared<WindowAttention>(width, heads, shift, dropout));
    register_module("norm2", norm2);
    mlp = register_module("mlp", std::make_shared<Mlp>(width, kMlpRatio * width));
  }

  Tensor forward(Tensor x) {
    x = x + stochastic_depth(norm1->forward(attn->forward(x)), dropped, is_training());
    return x + stochastic_depth(norm2->forward(mlp->forward(x)), dropped, is_training());
  }
};

/// Four neighbours become one of twice the width.
struct PatchMerging final : nn::Module {
  nn::Linear reduction;
  nn::LayerNorm norm;

  explicit PatchMerging(int64_t width)
      : reduction(nn::LinearOptions(4 * width, 2 * width).bias(false)),
        norm(layer_norm(2 * width)) {
    register_module("reduction", reduction);
    register_module("norm", norm);
  }

  Tensor forward(const Tensor& input) {
    const Tensor x = at::constant_pad_nd(input, {0, 0, 0, input.size(2) % 2, 0, input.size(1) % 2});
    const auto every_other = [&](int64_t row, int64_t column) {
      return x.slice(1, row, x.size(1), 2).slice(2, column, x.size(2), 2);
    };
    return norm->forward(linear(
        reduction,
        at::cat({every_other(0, 0), every_other(1, 0), every_other(0, 1), every_other(1, 1)}, -1)));
  }
};

class SwinV2 final : public Classifier {
 public:
  SwinV2(const SwinShape& shape, const ModelOptions& options)
      : embed_(nn::Conv2dOptions(3, shape.width, kPatch).stride(kPatch)),
        embed_norm_(layer_norm(shape.width)) {
    const auto features = register_module("features", std::make_shared<nn::Module>());
    const auto embedding = features->register_module("0", std::make_shared<nn::Module>());
    embedding->register_module("0", embed_);
    embedding->register_module("2", embed_norm_);
    const double dropout = options.dropout.value_or(0);
    const double most = options.stochastic_depth.value_or(shape.stochastic_depth);
    int total = 0, done = 0;
    for (const int depth : shape.depths) total += depth;
    int64_t width = shape.width;
    for (size_t stage = 0; stage < shape.depths.size(); ++stage) {
      const auto blocks =
          features->register_module(std::to_string(2 * stage + 1), std::make_shared<nn::Module>());
      auto& list = stages_[stage].blocks;
      for (int i = 0; i < shape.depths[stage]; ++i, ++done) {
        list.push_back(blocks->register_module(
            std::to_string(i),
            std::make_shared<Block>(width, shape.heads[stage], i % 2 == 0 ? 0 : kWindow / 2,
                                    dropout, most * done / (total - 1))));
      }
      if (stage + 1 == shape.depths.size()) break;
      stages_[stage].merging = features->register_module(std::to_string(2 * stage + 2),
                                                         std::make_shared<PatchMerging>(width));
      width *= 2;
    }
    norm_ = register_module("norm", layer_norm(width));
    head_ = register_module("head", nn::Linear(width, options.num_classes));
    for (const auto& module : modules(/*include_self=*/false)) {
      if (auto* linear = module->as<nn::Linear>()) {
        truncated_normal_(linear->weight, 0.02);
        if (linear->bias.defined()) nn::init::zeros_(linear->bias);
      }
    }
  }

  Tensor forward(Tensor pictures) override {
    Tensor x = embed_norm_->forward(embed_->forward(pictures).permute({0, 2, 3, 1}));
    for (const auto& stage : stages_) {
      for (const auto& block : stage.blocks) x = block->forward(x);
      if (stage.merging) x = stage.merging->forward(x);
    }
    return head_->forward(norm_->forward(x).mean({1, 2}));
  }

  std::string head_prefix() const override { return "head."; }

 private:
  struct Stage {
    std::vector<std::shared_ptr<Block>> blocks;
    std::shared_ptr<PatchMerging> merging;  // not after the last one
  };

  nn::Conv2d embed_;
  nn::LayerNorm embed_norm_;
  std::array<Stage, 4> stages_;
  nn::LayerNorm norm_{nullptr};
  nn::Linear head_{nullptr};
};

}  // namespace

std::shared_ptr<Classifier> make_swin_v2(const SwinShape& shape, const ModelOptions& options) {
  return std::make_shared<SwinV2>(shape, options);
}

}  // namespace berth::vision
