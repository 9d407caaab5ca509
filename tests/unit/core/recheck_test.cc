// SPDX-License-Identifier: Apache-2.0
// The second look, in the scheduler's terms.
#include "core/recheck.h"

#include <random>

#include "core/script.h"

namespace berth::core::script {
namespace {

std::optional<model::Refusal> recheck(const Box& box, const std::string& id) {
  return core::recheck(box.state, box.state.tasks.at(TaskId(id)));
}

/// New readings reach the state without a decision, as the daemon hands them on.
void read_silently(Box& box) {
  box.input(Pause{true});
  box.sample();
  box.state.paused = false;
}

TEST(Recheck, WhatIsStillFreeCanStart) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b"}) box.take(submit(id).on("cuda").memory(30));
  EXPECT_FALSE(recheck(box, "a"));
  EXPECT_FALSE(recheck(box, "b"));
  box.truth("cuda:0").foreign = 20_GiB;
  read_silently(box);
  EXPECT_FALSE(recheck(box, "a"));
  EXPECT_FALSE(recheck(box, "b"));
}

TEST(Recheck, MemoryThatSomebodyElseTookIsMissed) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b"}) box.take(submit(id).on("cuda").memory(30));
  box.truth("cuda:0").foreign = 40_GiB;
  read_silently(box);
  const auto refusal = recheck(box, "b");
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, base::RefusalCode::kMemory);
  EXPECT_EQ(refusal->name, "cuda:0");
  EXPECT_FALSE(refusal->never);
  EXPECT_EQ(base::to_text(refusal->available), base::to_text(10_GiB));  // 40 less what is a's
  box.launch_failed("b", true);
  EXPECT_EQ(box.where("b"), "queued");
  EXPECT_FALSE(recheck(box, "a"));  // with b gone there is room for one
}

TEST(Recheck, WhatATaskHasTakenAlreadyIsNotMissedTwice) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b"}) box.take(submit(id).on("cuda").memory(30));
  box.truth("cuda:0").used["a"] = 30_GiB;
  box.truth("cuda:0").foreign = 20_GiB;
  read_silently(box);
  EXPECT_FALSE(recheck(box, "b"));
}

TEST(Recheck, AWholeDeviceIsContentWithNineTenths) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("a").on("cuda"));
  box.truth("cuda:0").foreign = 7_GiB;
  read_silently(box);
  EXPECT_FALSE(recheck(box, "a"));
  box.truth("cuda:0").foreign = 9_GiB;
  read_silently(box);
  EXPECT_TRUE(recheck(box, "a"));
}

TEST(Recheck, AnUnhealthyDeviceIsNoPlaceToStart) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").on("cuda:0,cuda:1").memory(30));
  box.truth("cuda:1").health = model::Health::kNotResponding;
  box.truth("cuda:1").reason = "silent";
  read_silently(box);
  const auto refusal = recheck(box, "a");
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, base::RefusalCode::kUnhealthy);
  EXPECT_EQ(refusal->name, "cuda:1");
  EXPECT_EQ(base::to_text(refusal->available), "silent");
}

TEST(Recheck, TheProcessorAndADriverWithoutFiguresRefuseNothing) {
  Box box(Fleet().gpu("Old", 8_GiB).cpu(8));
  box.take(submit("c").on("cpu"));
  box.truth("cuda:0").reads_memory = false;
  box.sample();
  box.take(submit("g").on("cuda").memory(2));
  ASSERT_EQ(box.where("g"), "cuda:0");
  EXPECT_FALSE(recheck(box, "c"));
  EXPECT_FALSE(recheck(box, "g"));
}

// Or a task would be placed and taken back without an end.
TEST(Recheck, WhatItRefusesIsNotPlacedThereAgainByTheSameReading) {
  int refused = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const int gpus = 1 + below(3);
    Box box(Fleet().gpus(gpus, "A100", 80_GiB).cpu(8));
    for (int i = 0; i < 12; ++i) {
      auto ask = submit("t" + std::to_string(i)).on("cuda");
      ask.kind(static_cast<Kind>(below(3)));
      if (below(3) > 0) ask.memory(1 + below(80));
      if (below(8) == 0) ask.exclusive();
      box.take(ask);
    }
    for (int i = 0; i < gpus; ++i) {
      auto& truth = box.truth("cuda:" + std::to_string(i));
      truth.foreign = Bytes{static_cast<std::int64_t>(below(81)) << 30};
      if (below(6) == 0) truth.health = model::Health::kLost;
    }
    read_silently(box);
    for (int i = 0; i < 12; ++i) {
      const auto task = box.state.tasks.find(TaskId("t" + std::to_string(i)));
      if (task == box.state.tasks.end() || !task->second.placement) continue;
      const auto refusal = core::recheck(box.state, task->second);
      if (!refusal) continue;
      ++refused;
      box.launch_failed(task->first.value, true);
      ASSERT_NE(box.where(task->first.value), refusal->name) << "seed " << seed;
    }
  }
  EXPECT_GT(refused, 3000);
}

}  // namespace
}  // namespace berth::core::script
