// SPDX-License-Identifier: Apache-2.0
// Launches between decision and process, with a scheduler that places for real.
#include "daemon/second_look.h"

#include <gtest/gtest.h>

#include "core/script.h"

namespace berth::daemon {
namespace {

using namespace core::script;
using Names = std::vector<std::string>;

/// A box whose launches go by the second look. Nothing answers by itself.
class Looks : public ::testing::Test {
 protected:
  void carry_out() {
    for (const auto& output : box_.outputs) {
      const auto* launch = std::get_if<core::Launch>(&output);
      if (launch != nullptr) looks_.take(launch->task, launch->attempt, launch->placement);
    }
  }
  void submit_all(const Names& ids, double gib) {
    for (const auto& id : ids) {
      box_.take(submit(id).on("cuda").memory(gib));
      carry_out();
    }
    turn();
  }
  /// What was posted is done.
  void turn() {
    bool done = false;
    loop_.post([&] { done = true; });
    loop_.run_until([&] { return done; });
  }
  /// The devices are read as they are and the oldest look under way is over.
  void answer(bool answered = true) {
    ASSERT_FALSE(under_way_.empty());
    if (answered) {
      box_.input(core::Pause{true});
      box_.sample();
      box_.state.paused = false;
    }
    const auto done = std::move(under_way_.front());
    under_way_.erase(under_way_.begin());
    done(answered);
    turn();
  }

  Loop loop_;
  Box box_{Fleet().gpus(1, "A100", 80_GiB).cpu(8)};
  Names started_, undone_;
  std::vector<std::function<void(bool)>> under_way_;
  std::optional<base::Duration> age_{100};
  int distrusted_ = 0;
  int looked_ = 0;
  SecondLook looks_{
      loop_, box_.state,
      SecondLook::Deeds{
          [this](const std::vector<model::DeviceId>& devices, std::function<void(bool)> done) {
            EXPECT_EQ(devices, std::vector{box_.id_of("cuda:0")});
            ++looked_;
            under_way_.push_back(std::move(done));
          },
          [this](const model::DeviceId&) { return age_; },
          [this](const model::TaskId& id, int) { started_.push_back(id.value); },
          [this](const model::TaskId& id, int, const std::optional<model::Refusal>&) {
            undone_.push_back(id.value);
            box_.launch_failed(id.value, true);
            carry_out();
          },
          [this](const std::vector<model::DeviceId>& devices) {
            ++distrusted_;
            for (const auto& id : devices)
              box_.state.devices.at(id).reading->health = model::Health::kNotResponding;
          }}};
};

TEST_F(Looks, NothingStartsBeforeTheLookIsAnswered) {
  submit_all({"a"}, 10);
  EXPECT_EQ(looked_, 1);
  EXPECT_EQ(started_, Names{});
  answer();
  EXPECT_EQ(started_, Names{"a"});
}

TEST_F(Looks, LaunchesOfOneTurnShareALook) {
  submit_all({"a", "b", "c", "d"}, 10);
  EXPECT_EQ(looked_, 1);
  submit_all({"e"}, 10);
  EXPECT_EQ(looked_, 2);
  answer();
  EXPECT_EQ(started_, (Names{"a", "b", "c", "d"}));
  answer();
  EXPECT_EQ(started_.back(), "e");
}

TEST_F(Looks, WithoutAGpuNothingWaits) {
  box_.take(submit("c").on("cpu"));
  carry_out();
  EXPECT_EQ(started_, Names{"c"});
  turn();
  EXPECT_EQ(looked_, 0);
}

TEST_F(Looks, MemoryThatIsTakenMeanwhileKeepsTheTaskInTheQueueWithoutALoop) {
  submit_all({"a"}, 10);
  box_.truth("cuda:0").foreign = 72_GiB;
  answer();
  EXPECT_EQ(undone_, Names{"a"});
  EXPECT_EQ(box_.where("a"), "queued");
  for (int i = 0; i < 5; ++i) {
    box_.sample();
    carry_out();
    turn();
  }
  EXPECT_EQ(looked_, 1) << "the reading that took it back stands in the state";
  box_.truth("cuda:0").foreign = 0_GiB;
  box_.sample();
  carry_out();
  turn();
  answer();
  EXPECT_EQ(started_, Names{"a"});
  EXPECT_EQ(box_.state.tasks.at(model::TaskId("a")).attempt, 2);
}

// The worst there can be: free at each reading, taken at each look.
TEST_F(Looks, MemoryThatComesAndGoesCostsOneAttemptPerReading) {
  submit_all({"a"}, 10);
  for (int round = 1; round <= 20; ++round) {
    box_.truth("cuda:0").foreign = 72_GiB;
    answer();
    ASSERT_EQ(undone_.size(), static_cast<std::size_t>(round));
    ASSERT_TRUE(under_way_.empty());
    box_.truth("cuda:0").foreign = 0_GiB;
    box_.sample();
    carry_out();
    turn();
  }
  EXPECT_EQ(looked_, 21);
}

TEST_F(Looks, WhereNotAllFitAnyMoreTheFirstInTheQueueStart) {
  submit_all({"a", "b", "c", "d"}, 18);
  box_.truth("cuda:0").foreign = 40_GiB;
  answer();
  EXPECT_EQ(started_, (Names{"a", "b"}));
  EXPECT_EQ(undone_, (Names{"d", "c"}));
}

TEST_F(Looks, WithoutAnAnswerAFreshReadingIsGoodEnough) {
  submit_all({"a"}, 10);
  answer(false);
  EXPECT_EQ(started_, Names{"a"});
  EXPECT_EQ(distrusted_, 0);
}

TEST_F(Looks, WithoutAnAnswerAnOldReadingIsNot) {
  for (const auto age : {std::optional(base::Duration(2001)), std::optional<base::Duration>()}) {
    age_ = age;
    submit_all({age ? "a" : "b"}, 10);
    answer(false);
    EXPECT_EQ(box_.where(age ? "a" : "b"), "queued");
    box_.sample();  // it answers again
    carry_out();
    turn();
    answer();
  }
  EXPECT_EQ(distrusted_, 2);
  EXPECT_EQ(undone_, (Names{"a", "b"}));
  EXPECT_EQ(started_, (Names{"a", "b"}));
}

TEST_F(Looks, WhatIsDroppedMeanwhileNeverStarts) {
  submit_all({"a", "b"}, 10);
  EXPECT_FALSE(looks_.drop(model::TaskId("a"), 2));
  EXPECT_TRUE(looks_.drop(model::TaskId("a"), 1));
  EXPECT_FALSE(looks_.drop(model::TaskId("a"), 1));
  answer();
  EXPECT_EQ(started_, Names{"b"});
  EXPECT_FALSE(looks_.drop(model::TaskId("b"), 1)) << "it is started";
}

TEST_F(Looks, WhatWasBeingCancelledBeforeEndsWithoutAProcess) {
  box_.take(submit("a").on("cuda").memory(10));
  box_.cancel("a");
  looks_.take(model::TaskId("a"), 1, box_.placement("a"));
  turn();
  answer();
  EXPECT_EQ(started_, Names{});
  EXPECT_EQ(box_.where("a"), "cancelled");
}

}  // namespace
}  // namespace berth::daemon
