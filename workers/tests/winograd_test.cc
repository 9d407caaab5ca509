// SPDX-License-Identifier: Apache-2.0
#include "vision/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/rand.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace berth::vision {
namespace {

using at::Tensor;

#define NEEDS_KERNEL() \
  if (!has_winograd(16, 16)) GTEST_SKIP() << "this processor has no AVX2"

double greatest(const Tensor& tensor) { return tensor.abs().max().item<double>(); }

Tensor pictures(int64_t count, int64_t channels, int64_t height, int64_t width) {
  return at::rand({count, channels, height, width})
      .sub_(0.5)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

TEST(Winograd, GivesWhatAConvolutionGivesForwardAndBackward) {
  NEEDS_KERNEL();
  at::manual_seed(1);
  const struct {
    int64_t count, in, out, height, width;
  } cases[] = {{1, 16, 16, 1, 1},    {2, 16, 32, 2, 3},   {3, 48, 16, 7, 5}, {1, 64, 64, 31, 9},
               {16, 32, 80, 14, 14}, {2, 256, 256, 7, 7}, {8, 64, 64, 8, 8}};
  for (const auto& c : cases) {
    const Tensor x = pictures(c.count, c.in, c.height, c.width).requires_grad_();
    const Tensor weight = at::rand({c.out, c.in, 3, 3}).sub_(0.5).requires_grad_();
    const Tensor expected = at::conv2d(x, weight, {}, 1, 1);
    const Tensor found = training_convolution(x, weight);
    EXPECT_TRUE(found.equal(expected)) << "forward it is torch's";
    const Tensor fast = winograd_convolution(x.detach(), winograd_transform(weight), c.out);
    ASSERT_EQ(fast.sizes(), expected.sizes());
    EXPECT_LT(greatest(fast - expected), 2e-6 * greatest(expected) * std::sqrt(c.in))
        << c.in << " " << c.height;
    const Tensor pull = at::rand(expected.sizes()).sub_(0.5);
    const auto gradients = [&](const Tensor& y) {
      x.mutable_grad().reset();
      weight.mutable_grad().reset();
      y.backward(pull);
      return std::pair(x.grad().clone(), weight.grad().clone());
    };
    const auto [right_x, right_weight] = gradients(expected);
    const auto [found_x, found_weight] = gradients(found);
    EXPECT_LT(greatest(found_x - right_x), 2e-6 * greatest(right_x) * std::sqrt(c.out));
    EXPECT_LT(greatest(found_weight - right_weight), 1e-5 * greatest(right_weight));
  }
}

TEST(Winograd, DoesNotDependOnTheNumberOfThreadsNorOnTheLayout) {
  NEEDS_KERNEL();
  const c10::NoGradGuard no_grad;
  const Tensor x = pictures(5, 32, 13, 13), weight = at::rand({48, 32, 3, 3}).sub_(0.5);
  const auto result = [&](const Tensor& of, const Tensor& by) {
    return winograd_convolution(of, winograd_transform(by), 48);
  };
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = result(x, weight);
  at::set_num_threads(3);
  EXPECT_TRUE(one.equal(result(x, weight)));
  at::set_num_threads(before);
  EXPECT_TRUE(one.equal(result(x.contiguous(), weight)));
  EXPECT_TRUE(one.equal(result(x, weight.contiguous(at::MemoryFormat::ChannelsLast))));
}

TEST(Convolution, SeesThatItsWeightsHaveChanged) {
  Convolution layer(32, 32, 3, 1);
  const Tensor x = pictures(4, 32, 16, 16);
  const auto right = [&] {
    const c10::NoGradGuard no_grad;
    const Tensor expected = at::conv2d(x, layer->weight, {}, 1, 1);
    return greatest(layer->forward(x) - expected) < 1e-4 * greatest(expected);
  };
  EXPECT_TRUE(right());
  EXPECT_TRUE(right()) << "with what is kept";
  {
    const c10::NoGradGuard no_grad;
    layer->weight.mul_(2);
  }
  EXPECT_TRUE(right()) << "changed in place";
  layer->weight.set_data(at::rand({32, 32, 3, 3}));
  EXPECT_TRUE(right()) << "another tensor, as WeightAverage exchanges them";
  layer->forward(x).sum().backward();
  layer->weight.data_ptr<float>()[0] += 5;  // as the optimizer writes, of which torch is not told
  EXPECT_TRUE(right()) << "after a training step";
  layer->forward(pictures(1, 32, 4, 4)).sum().backward();  // too small for the fast way
  layer->weight.data_ptr<float>()[0] += 5;
  EXPECT_TRUE(right()) << "after a training step of a smaller batch";
}

TEST(Convolution, OtherShapesAreThoseOfTorch) {
  const c10::NoGradGuard no_grad;
  for (const auto& [in, kernel, stride] :
       {std::tuple<int, int, int>{3, 7, 2}, {20, 3, 1}, {32, 3, 2}, {32, 1, 1}}) {
    Convolution layer(in, 24, kernel, stride);
    const Tensor x = pictures(2, in, 16, 16);
    const Tensor expected = at::conv2d(x, layer->weight, {}, stride, kernel / 2);
    EXPECT_TRUE(layer->forward(x).allclose(expected, 1e-5, 1e-6));
  }
}

}  // namespace
}  // namespace berth::vision
