// SPDX-License-Identifier: Apache-2.0
#include "core/forecast.h"

#include "core/history.h"
#include "core/script.h"
#include "core/snapshot.h"

namespace berth::core::script {
namespace {

// Seconds from now; below 0 when it cannot be told.
double start_of(const Box& box, const std::string& id) {
  const auto start = earliest_start(box.state, box.state.tasks.at(TaskId(id)));
  if (!start) return -1;
  return static_cast<double>((*start - box.state.latest).count()) / 1000;
}

Box one() { return Box(Fleet().gpus(1, "A100", 80_GiB).cpu(8)); }

TEST(Forecast, ATimeLimitTellsTheEndAtTheLatest) {
  Box box = one();
  box.take(submit("runs").on("cuda").limit(100));
  box.take(submit("next").on("cuda").limit(50));
  box.take(submit("last").on("cuda"));
  EXPECT_EQ(start_of(box, "next"), 100);
  EXPECT_EQ(start_of(box, "last"), 150);
  box.after_s(30);
  EXPECT_EQ(start_of(box, "last"), 120);
}

TEST(Forecast, WhatNobodyCanTellTheEndOfIsTakenToGoOn) {
  Box box = one();
  box.take(submit("runs").on("cuda"));
  box.take(submit("next").on("cuda"));
  EXPECT_EQ(start_of(box, "next"), -1);
}

TEST(Forecast, EarlierTasksLikeItTellTheEndToo) {
  Box box = one();
  box.take(submit("first").on("cuda").signature("s"));
  box.after_s(60);
  box.exits("first");
  EXPECT_EQ(history::duration(box.state, submit("x").signature("s").request),
            base::Duration{60'000});
  box.take(submit("runs").on("cuda").signature("s").limit(600));
  box.take(submit("next").on("cuda").memory(80));
  box.after_s(20);
  EXPECT_EQ(start_of(box, "next"), 40);
  box.after_s(100);  // it takes longer than the first did: a tenth of that more
  EXPECT_EQ(start_of(box, "next"), 6);
}

TEST(Forecast, TheMemoryThatEndsIsFreeAgain) {
  Box box = one();
  box.take(submit("small").on("cuda").memory(30).limit(10));
  box.take(submit("large").on("cuda").memory(50).limit(100));
  box.truth("cuda:0").used["small"] = 30_GiB;
  box.truth("cuda:0").used["large"] = 50_GiB;
  box.sample();
  box.take(submit("next").on("cuda").memory(25).limit(20));
  box.take(submit("huge").on("cuda").memory(60));
  EXPECT_EQ(start_of(box, "next"), 10);
  EXPECT_EQ(start_of(box, "huge"), 100);
}

TEST(Forecast, APauseADependencyAndALeaseAreWaitedFor) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("fails").on("cuda").retry(3, 40));
  box.exits("fails", 1);
  EXPECT_EQ(start_of(box, "fails"), 40);
  box.take(submit("before").on("cuda").limit(70));
  box.take(submit("behind").on("cuda").after("before"));
  EXPECT_EQ(start_of(box, "behind"), 70);
  box.lease(submit("lease").on("cuda"), 30);
  box.take(submit("next").on("cuda").gpus(1));
  EXPECT_EQ(start_of(box, "next"), 30);
}

TEST(Forecast, WhatIsHeldStartsAtNoTime) {
  Box box = one();
  box.take(submit("held").on("cuda").hold());
  EXPECT_EQ(start_of(box, "held"), -1);
}

TEST(Forecast, LooksAheadWithoutChangingAnything) {
  Box box = one();
  box.take(submit("runs").on("cuda").limit(100));
  box.take(submit("next").on("cuda"));
  const auto before = base::to_text(to_json(box.state));
  start_of(box, "next");
  EXPECT_EQ(base::to_text(to_json(box.state)), before);
}

TEST(History, TheOldestSignatureMakesRoom) {
  State state;
  TaskEntry task;
  for (std::size_t i = 0; i <= history::kMostSignatures; ++i) {
    task.request.signature = "s" + std::to_string(i);
    state.latest += base::Duration{1};
    history::remember(state, task, Bytes{1}, true);
  }
  EXPECT_EQ(state.history.size(), history::kMostSignatures);
  EXPECT_FALSE(state.history.contains("s0"));
  EXPECT_TRUE(state.history.contains("s1"));
}

}  // namespace
}  // namespace berth::core::script
