// SPDX-License-Identifier: Apache-2.0
// Several processes learn what one would: here they are threads, which meet in a group all the
// same.
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "runtime/process_group_tensors.h"
#include "temporary_folder.h"
#include "vision/learner.h"
#include "vision/metrics.h"

namespace berth::vision {
namespace {

using runtime::ProcessGroup;
using tests::TemporaryFolder;

constexpr int64_t kSide = 32, kPictures = 11;

#define NEEDS_GLOO() \
  if (BERTH_HAS_GLOO == 0) GTEST_SKIP() << "this LibTorch has no headers of Gloo"

/// Two layers, of which the first one's gradient fills more than a bucket.
class Small : public Classifier {
 public:
  Small() {
    first_ = register_module("first", torch::nn::Linear(3 * kSide * kSide, 2500));
    second_ = register_module("second", torch::nn::Linear(2500, 3));
  }
  at::Tensor forward(at::Tensor pictures) override {
    return second_->forward(first_->forward(pictures.flatten(1)).relu());
  }
  std::string head_prefix() const override { return "second."; }

 private:
  torch::nn::Linear first_ = nullptr, second_ = nullptr;
};

std::shared_ptr<Small> small(uint64_t seed) {
  at::manual_seed(seed);
  return std::make_shared<Small>();
}

/// Runs `body` once for each rank, at the same time.
void in_group(int ranks, const std::function<void(int, std::shared_ptr<ProcessGroup>)>& body) {
  const TemporaryFolder folder;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      auto group = ProcessGroup::join({rank, ranks, folder.path() + "/meeting"}, "cpu");
      ASSERT_TRUE(group) << group.error().message;
      body(rank, *group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct Data {
  at::Tensor pictures = at::rand({kPictures, 3, kSide, kSide});
  std::vector<int64_t> labels{0, 1, 2, 0, 1, 2, 0, 1, 2, 2, 2};
};

LearnerOptions options() {
  LearnerOptions wanted;
  wanted.optimizer.kind = OptimizerKind::kSgd;
  wanted.average = false;
  wanted.clip_norm = 0.5;
  wanted.class_weights = {1, 3, 0.5F};
  return wanted;
}

/// Two updates from pictures [first, end), `slice` at a time.
void learn(Learner* learner, const Data& data, int64_t first, int64_t end, int64_t slice) {
  const std::vector<int64_t> labels(data.labels.begin() + first, data.labels.begin() + end);
  const auto pictures = [&](int64_t from, int64_t count) {
    return data.pictures.narrow(0, first + from, count).clone();
  };
  for (int i = 0; i < 2; ++i) learner->step(pictures, labels, slice, 0.1);
}

double greatest_difference(const Classifier& one, const Classifier& other) {
  double greatest = 0;
  const auto a = one.parameters(), b = other.parameters();
  for (size_t i = 0; i < a.size(); ++i)
    greatest = std::max(greatest, (a[i] - b[i]).abs().max().item<double>());
  return greatest;
}

TEST(LearnerRanks, MakeTheUpdatesOfOneProcess) {
  NEEDS_GLOO();
  const Data data;
  const auto alone = small(1);
  Learner one(alone, c10::kCPU, options());
  learn(&one, data, 0, kPictures, kPictures);
  const auto before = small(1);
  ASSERT_GT(greatest_difference(*before, *alone), 1e-3) << "it has learnt something";
  // 5, 6 and no pictures; the second rank in slices.
  const int64_t ends[] = {0, 5, kPictures, kPictures};
  std::vector<std::shared_ptr<Small>> models;
  for (int rank = 0; rank < 3; ++rank) models.push_back(small(static_cast<uint64_t>(rank + 1)));
  std::vector<TrainingTotals> totals(3);
  in_group(3, [&](int rank, const std::shared_ptr<ProcessGroup>& group) {
    Learner learner(models[rank], c10::kCPU, options(), group);
    learn(&learner, data, ends[rank], ends[rank + 1], rank == 1 ? 2 : kPictures);
    totals[rank] = learner.totals();
  });
  for (const auto& model : models) EXPECT_LT(greatest_difference(*model, *alone), 1e-6);
  EXPECT_EQ(greatest_difference(*models[0], *models[2]), 0) << "not nearly, but exactly";
  const TrainingTotals expected = one.totals();
  double loss = 0, weight = 0;
  int64_t samples = 0;
  for (const auto& part : totals) {
    loss += part.loss_sum;
    weight += part.weight;
    samples += part.samples;
  }
  EXPECT_EQ(samples, expected.samples);
  EXPECT_NEAR(loss, expected.loss_sum, 1e-4);
  EXPECT_NEAR(weight, expected.weight, 1e-4);
}

TEST(LearnerRanks, OneThatRunsOutOfMemoryTriesAgainAndStaysInStep) {
  NEEDS_GLOO();
  const Data data;
  const auto alone = small(1);
  Learner one(alone, c10::kCPU, options());
  learn(&one, data, 0, kPictures, kPictures);
  std::vector<std::shared_ptr<Small>> models{small(1), small(1)};
  in_group(2, [&](int rank, const std::shared_ptr<ProcessGroup>& group) {
    Learner learner(models[rank], c10::kCPU, options(), group);
    const int64_t first = rank * 6, count = rank == 0 ? 6 : 5;
    const std::vector<int64_t> labels(data.labels.begin() + first,
                                      data.labels.begin() + first + count);
    const auto pictures = [&](int64_t from, int64_t size) {
      return data.pictures.narrow(0, first + from, size).clone();
    };
    for (int update = 0; update < 2; ++update) {
      if (rank == 1) {
        const auto no_memory = [&](int64_t from, int64_t size) -> at::Tensor {
          if (from > 0) throw std::bad_alloc();
          return pictures(from, size);
        };
        EXPECT_THROW(learner.step(no_memory, labels, 3, 0.1), std::bad_alloc);
      }
      learner.step(pictures, labels, 2, 0.1);
    }
  });
  for (const auto& model : models) EXPECT_LT(greatest_difference(*model, *alone), 1e-6);
}

TEST(ProcessGroup, AddsUpAndFindsTheLeast) {
  NEEDS_GLOO();
  in_group(3, [](int rank, const std::shared_ptr<ProcessGroup>& group) {
    std::vector<double> values{1.5, static_cast<double>(rank)};
    ASSERT_TRUE(group->sum(&values));
    EXPECT_EQ(values, (std::vector<double>{4.5, 3}));
    EXPECT_EQ(group->least(10 - rank).value(), 8);
    const at::Tensor count = at::full({2}, rank + 7, at::kLong), mean = at::full({2}, rank * 3.0);
    runtime::average(*group, {count, mean});
    EXPECT_TRUE(mean.eq(3).all().item<bool>());
    EXPECT_TRUE(count.eq(rank + 7).all().item<bool>()) << "counts have no mean";
    runtime::broadcast(*group, {count});
    EXPECT_TRUE(count.eq(7).all().item<bool>());
  });
}

TEST(ProcessGroup, SaysWhoLostTheOthers) {
  NEEDS_GLOO();
  in_group(2, [](int rank, const std::shared_ptr<ProcessGroup>& group) {
    if (rank == 1) return;  // its end of the connection closes
    std::vector<double> values{1};
    const auto lost = group->sum(&values);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, protocol::ErrorCode::kCommunication);
    EXPECT_EQ(lost.error().message.rfind("Gloo failed on rank 0 of 2 (cpu): ", 0), 0u)
        << lost.error().message;
    EXPECT_EQ(lost.error().message.find('\n'), std::string::npos) << lost.error().message;
  });
}

}  // namespace
}  // namespace berth::vision
