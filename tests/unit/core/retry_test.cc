// SPDX-License-Identifier: Apache-2.0
// Tasks that are started again after a bad end.
#include "core/script.h"

namespace berth::core::script {
namespace {

using model::FailureKind;

TEST(Retry, AFailedTaskIsStartedAgainAsOftenAsItSays) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(2));
  box.exits("a", 1);
  EXPECT_EQ(box.only<Requeued>().retries, 1);
  EXPECT_EQ(box.only<Launch>().attempt, 2);
  box.exits("a", 1);
  box.exits("a", 1);
  EXPECT_EQ(box.where("a"), "failed");
  EXPECT_EQ(box.only<Finished>().attempt, 3);
}

TEST(Retry, AGoodEndOrACancelledTaskIsTheEnd) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(2));
  box.exits("a", 0);
  EXPECT_EQ(box.where("a"), "completed");
  box.take(submit("b").training().on("cuda").retry(2));
  box.cancel("b");
  box.exits("b", 1);
  EXPECT_EQ(box.where("b"), "cancelled");
}

TEST(Retry, ThePauseDoublesAndEndsAtAnHour) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(20, 10));
  base::Duration pause{10'000};
  for (int i = 0; i < 12; ++i) {
    box.exits("a", 1);
    const auto again = box.only<Requeued>();
    ASSERT_TRUE(again.not_before);
    EXPECT_EQ(*again.not_before - box.now, pause);
    EXPECT_EQ(next_wakeup(box.state), again.not_before);
    EXPECT_EQ(box.where("a"), "queued");
    EXPECT_EQ(box.verdict("a", "cuda:0"), "backoff");
    box.after(pause - base::Duration{1});
    EXPECT_EQ(box.where("a"), "queued");
    box.after(base::Duration{1});
    EXPECT_EQ(box.where("a"), "cuda:0");
    pause = std::min(pause * 2, base::Duration{3'600'000});
  }
  EXPECT_EQ(pause, base::Duration{3'600'000});
}

TEST(Retry, OthersRunMeanwhile) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(1, 10));
  box.take(submit("b").training().on("cuda"));
  box.exits("a", 1);
  EXPECT_EQ(box.where("b"), "cuda:0");
  box.after_s(10);
  EXPECT_EQ(box.verdict("a", "cuda:0"), "kind_limit");
}

TEST(Retry, OnlyForTheFailuresNamed) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  auto ask = submit("a").training().on("cuda").retry(5);
  ask.request.retry.on = {FailureKind::kOutOfMemory};
  box.take(ask);
  box.exits("a", 1);
  EXPECT_EQ(box.where("a"), "failed");
  ask.request.id = TaskId("b");
  box.take(ask);
  box.runs_out_of_memory("b", {});
  EXPECT_EQ(box.only<Requeued>().kind, FailureKind::kOutOfMemory);
}

TEST(Retry, ATimeLimitIsNoReasonUnlessNamed) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  const auto times_out = [&](const char* id) {
    box.input(Exited{TaskId(id), 1, model::Exit{{}, 15, "timeout"}, {}, false});
  };
  box.take(submit("a").training().on("cuda").retry(5));
  times_out("a");
  EXPECT_EQ(box.where("a"), "failed");
  auto ask = submit("b").training().on("cuda").retry(5);
  ask.request.retry.on = {FailureKind::kTimeout};
  box.take(ask);
  times_out("b");
  EXPECT_EQ(box.seen<Requeued>(), 1);
}

TEST(Retry, MoreMemoryAfterRunningOut) {
  Box box(Fleet().gpus(1, "RTX 3090", 24_GiB).gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").memory(20).retry(9).more_memory(50).policy(
      model::Policy::kPack));
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.runs_out_of_memory("a", 20_GiB);
  EXPECT_EQ(box.only<Requeued>().memory, 30_GiB);
  EXPECT_EQ(box.where("a"), "cuda:1");
  EXPECT_EQ(box.reserved("a"), 30_GiB);
  box.runs_out_of_memory("a", 32_GiB);  // it had taken more than was reserved
  EXPECT_EQ(box.reserved("a"), 48_GiB);
  box.runs_out_of_memory("a", 48_GiB);
  box.runs_out_of_memory("a", 72_GiB);
  EXPECT_EQ(box.reserved("a"), 80_GiB);  // there is no more than all of it
}

TEST(Retry, WhatCouldNotBeStartedIsTriedAgain) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(1));
  box.launch_failed("a", false);
  EXPECT_EQ(box.only<Requeued>().kind, FailureKind::kLaunch);
  box.launch_failed("a", false);
  EXPECT_EQ(box.where("a"), "failed");
}

TEST(Retry, ImpossibleNumbersAreRefused) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").on("cuda").retry(-1));
  EXPECT_EQ(box.refusal().message, "retry is -1: it must be between 0 and 1000");
  box.take(submit("a").on("cuda").retry(1, -5));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kBadRequest);
  box.take(submit("a").on("cuda").retry(1).more_memory(-1));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kBadRequest);
  EXPECT_TRUE(box.state.tasks.empty());
}

}  // namespace
}  // namespace berth::core::script
