// SPDX-License-Identifier: Apache-2.0
#include "vision/augment.h"

#include <ATen/ops/affine_grid_generator.h>
#include <ATen/ops/grid_sampler.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace berth::vision {
namespace {

constexpr int64_t kBilinear = 0, kReflection = 2;         // at::native::GridSampler*
constexpr double kLeastErased = 0.02, kMostErased = 0.2;  // of the picture's area
constexpr float kGrey = 0.5;

/// Draws for a batch.
class Dice {
 public:
  Dice(int64_t count, at::Generator generator) : count_(count), generator_(std::move(generator)) {}
  /// Evenly from `low` to `high`, one value per picture.
  at::Tensor even(double low, double high) {
    return at::rand({count_}, generator_, at::kFloat).mul_(high - low).add_(low);
  }
  /// -1 with this probability, else 1.
  at::Tensor sign(double probability) {
    return even(0, 1).lt(probability).to(at::kFloat).mul_(-2).add_(1);
  }

 private:
  int64_t count_;
  at::Generator generator_;
};

/// Flips and crops in one resampling: output position x takes the picture at scale * x + shift,
/// both counted from -1 to 1.
at::Tensor move(const at::Tensor& pictures, const AugmentOptions& options, Dice* dice) {
  if (options.horizontal_flip == 0 && options.vertical_flip == 0 && options.crop == 0)
    return pictures;
  const int64_t count = pictures.size(0);
  const at::Tensor scale = dice->even(1 - options.crop, 1);
  const at::Tensor room = scale.neg().add_(1);
  at::Tensor transform = at::zeros({count, 2, 3});
  transform.select(1, 0).select(1, 0).copy_(scale.mul(dice->sign(options.horizontal_flip)));
  transform.select(1, 1).select(1, 1).copy_(scale.mul(dice->sign(options.vertical_flip)));
  transform.select(1, 0).select(1, 2).copy_(room.mul(dice->even(-1, 1)));
  transform.select(1, 1).select(1, 2).copy_(room.mul(dice->even(-1, 1)));
  const at::Tensor grid = at::affine_grid_generator(transform.to(pictures.device()),
                                                    pictures.sizes(), /*align_corners=*/false);
  return at::grid_sampler(pictures, grid, kBilinear, kReflection, /*align_corners=*/false);
}

void erase(const at::Tensor& pictures, double probability, Dice* dice) {
  const int64_t side = pictures.size(2);
  const at::Tensor drawn = dice->even(0, 1), area = dice->even(kLeastErased, kMostErased);
  const at::Tensor ratio = dice->even(-1, 1), left = dice->even(0, 1), top = dice->even(0, 1);
  for (int64_t i = 0; i < pictures.size(0); ++i) {
    if (drawn[i].item<float>() >= probability) continue;
    // Between three times as wide as high and the other way round.
    const double shape = std::pow(3.0, ratio[i].item<float>());
    const auto length = [&](double share) {
      const double pixels = std::sqrt(share) * static_cast<double>(side);
      return std::clamp<int64_t>(std::llround(pixels), 1, side);
    };
    const int64_t width = length(area[i].item<float>() * shape);
    const int64_t height = length(area[i].item<float>() / shape);
    const auto start = [&](const at::Tensor& at_share, int64_t size) {
      return std::llround(at_share[i].item<float>() * static_cast<double>(side - size));
    };
    pictures[i]
        .narrow(1, start(top, height), height)
        .narrow(2, start(left, width), width)
        .fill_(kGrey);
  }
}

at::Tensor per_picture(const at::Tensor& values, const at::Tensor& pictures) {
  return values.to(pictures.device()).view({-1, 1, 1, 1});
}

}  // namespace

at::Tensor augment(at::Tensor pictures, const AugmentOptions& options, at::Generator generator) {
  if (!options.any() || pictures.size(0) == 0) return pictures;
  Dice dice(pictures.size(0), generator);
  pictures = move(pictures, options, &dice);
  if (options.brightness > 0) {
    pictures = pictures.mul(
        per_picture(dice.even(1 - options.brightness, 1 + options.brightness), pictures));
  }
  if (options.contrast > 0) {
    const at::Tensor mean = pictures.mean({1, 2, 3}, /*keepdim=*/true);
    const at::Tensor factor =
        per_picture(dice.even(1 - options.contrast, 1 + options.contrast), pictures);
    pictures = pictures.sub(mean).mul_(factor).add_(mean);
  }
  if (options.noise > 0) {
    const at::Tensor noise = at::randn(pictures.sizes(), generator, at::kFloat);
    pictures = pictures.add(noise.to(pictures.device()), options.noise);
  }
  if (options.erase > 0) {
    if (options.crop == 0 && options.horizontal_flip == 0 && options.vertical_flip == 0)
      pictures = pictures.clone();
    erase(pictures, options.erase, &dice);
  }
  return pictures.clamp_(0, 1);
}

}  // namespace berth::vision
