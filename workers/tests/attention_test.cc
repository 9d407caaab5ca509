// SPDX-License-Identifier: Apache-2.0
#include "vision/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <limits>

namespace berth::vision {
namespace {

using at::Tensor;

#define NEEDS_KERNEL() \
  if (!has_attention_kernel(16)) GTEST_SKIP() << "this processor has no AVX2"

double greatest(const Tensor& tensor) { return tensor.abs().max().item<double>(); }

TEST(Attention, GivesWhatTheOperationsGiveForwardAndBackward) {
  NEEDS_KERNEL();
  at::manual_seed(1);
  const struct {
    int64_t count, length, heads, width;  // width: of a head
    double spread;
  } cases[] = {{1, 1, 1, 16, 1},   {2, 5, 3, 16, 1},  {1, 16, 2, 32, 1},  {3, 50, 4, 48, 3},
               {2, 197, 2, 64, 1}, {1, 96, 1, 80, 1}, {1, 256, 1, 64, 8}, {1, 577, 1, 64, 1}};
  for (const auto& c : cases) {
    const Tensor qkv =
        at::randn({c.count, c.length, 3 * c.heads * c.width}).mul_(c.spread).requires_grad_();
    // Twice the digits, for the truth.
    const Tensor exact = qkv.detach().to(at::kDouble).requires_grad_();
    const Tensor expected = self_attention_by_operations(exact, c.heads);
    const Tensor found = self_attention(qkv, c.heads);
    ASSERT_EQ(found.sizes(), expected.sizes());
    EXPECT_LT(greatest(found.sub(expected)), 4e-6 * c.spread * greatest(expected)) << c.length;
    const Tensor pull = at::rand(expected.sizes()).sub_(0.5);
    found.backward(pull);
    expected.backward(pull.to(at::kDouble));
    EXPECT_LT(greatest(qkv.grad().sub(exact.grad())), 1e-5 * c.spread * greatest(exact.grad()))
        << c.length << " " << c.width;
  }
}

TEST(Attention, DoesNotDependOnTheNumberOfThreads) {
  NEEDS_KERNEL();
  const Tensor of = at::randn({3, 37, 3 * 2 * 32});
  const auto both = [&](int threads) {
    at::set_num_threads(threads);
    const Tensor qkv = of.clone().requires_grad_();
    const Tensor mixed = self_attention(qkv, 2);
    mixed.sum().backward();
    return std::pair(mixed.detach(), qkv.grad());
  };
  const int before = at::get_num_threads();
  const auto one = both(1), two = both(2);
  at::set_num_threads(before);
  EXPECT_TRUE(one.first.equal(two.first));
  EXPECT_TRUE(one.second.equal(two.second));
}

TEST(Attention, LetsNoNumberThatIsNoneDisappear) {
  Tensor qkv = at::randn({1, 20, 3 * 16});
  qkv[0][3][5] = std::numeric_limits<float>::quiet_NaN();  // of one query
  const Tensor mixed = self_attention(qkv, 1);
  EXPECT_TRUE(mixed[0][3].isnan().all().item<bool>());
  EXPECT_FALSE(mixed[0][4].isnan().any().item<bool>());
}

TEST(Attention, TakesWidthsThatTheKernelDoesNot) {
  const Tensor qkv = at::randn({2, 9, 3 * 2 * 12}).requires_grad_();
  const Tensor mixed = self_attention(qkv, 2);
  EXPECT_TRUE(mixed.equal(self_attention_by_operations(qkv, 2)));
}

}  // namespace
}  // namespace berth::vision
