// SPDX-License-Identifier: Apache-2.0
#include "vision/linear.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <vector>

namespace berth::vision {
namespace {

using at::Tensor;

double greatest(const Tensor& tensor) { return tensor.abs().max().item<double>(); }

TEST(Linear, GivesWhatTorchGivesForwardAndBackward) {
  if (!has_linear_kernel()) GTEST_SKIP() << "torch has MKL, or no oneDNN that others may call";
  at::manual_seed(1);
  const struct {
    std::vector<int64_t> x;
    int64_t outputs;
    bool bias;
  } cases[] = {{{1, 1}, 1, true},        {{1, 5}, 3, false},         {{7, 768}, 2304, true},
               {{2, 197, 64}, 96, true}, {{3, 2, 49, 33}, 17, true}, {{2, 9, 128}, 64, false}};
  for (const auto& c : cases) {
    const Tensor x = at::randn(c.x).requires_grad_();
    const Tensor weight = at::randn({c.outputs, c.x.back()}).requires_grad_();
    const Tensor bias = c.bias ? at::randn({c.outputs}).requires_grad_() : Tensor();
    // Twice the digits, for the truth.
    const auto exact = [](const Tensor& of) {
      return of.defined() ? of.detach().to(at::kDouble).requires_grad_() : Tensor();
    };
    const Tensor exact_x = exact(x), exact_weight = exact(weight), exact_bias = exact(bias);
    const Tensor expected = at::linear(exact_x, exact_weight, exact_bias);
    const Tensor found = linear(x, weight, bias);
    ASSERT_EQ(found.sizes(), expected.sizes());
    EXPECT_LT(greatest(found.sub(expected)), 4e-6 * greatest(expected));
    const Tensor pull = at::rand(expected.sizes()).sub_(0.5);
    found.backward(pull);
    expected.backward(pull.to(at::kDouble));
    EXPECT_LT(greatest(x.grad().sub(exact_x.grad())), 4e-6 * greatest(exact_x.grad()));
    EXPECT_LT(greatest(weight.grad().sub(exact_weight.grad())),
              4e-6 * greatest(exact_weight.grad()));
    if (c.bias) {
      EXPECT_LT(greatest(bias.grad().sub(exact_bias.grad())), 4e-6 * greatest(exact_bias.grad()));
    }
  }
}

TEST(Linear, TakesWhatIsNotContiguousOrNotFloat) {
  const Tensor x = at::randn({6, 4, 5}).transpose(0, 1), weight = at::randn({5, 3}).t();
  const Tensor expected = at::linear(x, weight);
  EXPECT_LT(greatest(linear(x, weight.contiguous(), Tensor()).sub(expected)), 1e-5);
  EXPECT_LT(greatest(linear(x, weight, Tensor()).sub(expected)), 1e-5);
  EXPECT_EQ(linear(x.to(at::kDouble), weight.to(at::kDouble), Tensor()).scalar_type(), at::kDouble);
  EXPECT_EQ(linear(at::randn({0, 5}), weight.contiguous(), Tensor()).sizes(),
            at::IntArrayRef({0, 3}));
}

TEST(Linear, OnlyWhatWantsAGradientGetsOne) {
  const Tensor x = at::randn({2, 5}), weight = at::randn({3, 5}).requires_grad_(),
               bias = at::randn({3});
  linear(x, weight, bias).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(bias.grad().defined());
  const c10::NoGradGuard none;
  EXPECT_FALSE(linear(x, weight, bias).requires_grad());
}

}  // namespace
}  // namespace berth::vision
