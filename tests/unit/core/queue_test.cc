// SPDX-License-Identifier: Apache-2.0
// The order of waiting tasks: priority, aging, submission; nobody starves.
#include "core/script.h"
#include "core/snapshot.h"

namespace berth::core::script {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using std::chrono::minutes;

Box busy() {  // one GPU, taken by "first"
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("first").training().on("cuda"));
  return box;
}

TEST(Queue, FirstInFirstOutWithinAPriority) {
  Box box = busy();
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().on("cuda"));
  box.exits("first");
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.exits("a");
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Queue, FirstInFirstOutAcrossShapes) {
  Box box = busy();
  box.take(submit("a").training().on("auto").memory(20));
  box.take(submit("b").training().on("cuda:0").memory(4));
  box.take(submit("c").training().on("auto").memory(20));
  box.exits("first");
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.exits("a");
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Queue, SubmissionOrderHoldsWhenTheClockIsSetBack) {
  Box box = busy();
  box.take(submit("a").training().on("cuda"));
  box.now -= hours(5);
  box.take(submit("b").training().on("cuda"));
  box.exits("first");
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Queue, MoreUrgentGoesFirst) {
  Box box = busy();
  box.take(submit("later").training().on("cuda").priority(9));
  box.take(submit("normal").training().on("cuda"));
  box.take(submit("urgent").training().on("cuda").priority(1));
  box.exits("first");
  EXPECT_EQ(box.where("urgent"), "cuda:0");
  box.exits("urgent");
  EXPECT_EQ(box.where("normal"), "cuda:0");
  box.exits("normal");
  EXPECT_EQ(box.where("later"), "cuda:0");
}

TEST(Queue, PriorityHoldsAcrossShapes) {
  Box box = busy();
  box.take(submit("normal").training().on("auto"));
  box.take(submit("urgent").training().on("cuda:0").memory(1).priority(2));
  box.exits("first");
  EXPECT_EQ(box.where("urgent"), "cuda:0");
}

TEST(Queue, WaitingGainsOnePriorityPerHour) {
  Box box = busy();
  box.take(submit("old").training().on("cuda").priority(6));
  box.now += minutes(61);
  box.take(submit("new").training().on("cuda").priority(5));
  box.exits("first");
  EXPECT_EQ(box.where("old"), "cuda:0");
}

TEST(Queue, LessThanAnHourDoesNotOvertake) {
  Box box = busy();
  box.take(submit("old").training().on("cuda").priority(6));
  box.now += minutes(59);
  box.take(submit("new").training().on("cuda").priority(5));
  box.exits("first");
  EXPECT_EQ(box.where("new"), "cuda:0");
}

TEST(Queue, AgingCanBeChangedWhileTasksWait) {
  Box box = busy();
  box.take(submit("old").training().on("cuda").priority(6));
  box.now += minutes(10);
  box.take(submit("new").training().on("cuda").priority(5));
  Config config;
  config.aging = minutes(5);
  box.input(Configure{config});
  box.exits("first");
  EXPECT_EQ(box.where("old"), "cuda:0");
}

TEST(Queue, AStuckSignatureDoesNotBlockOneThatNeedsLess) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const auto& [signature, peak] : {std::pair{"big", 70_GiB}, {"little", 5_GiB}}) {
    box.take(submit(signature).training().on("cuda").signature(signature));
    box.exits(signature, 0, peak);
  }
  box.take(submit("holder").training().on("cuda").memory(40));
  box.limits({{box.id_of("cuda:0"), 4, {}}});
  box.take(submit("big2").training().on("cuda").signature("big"));
  box.take(submit("little2").training().on("cuda").signature("little"));
  EXPECT_EQ(box.where("big2"), "queued");
  EXPECT_EQ(box.where("little2"), "cuda:0");
}

TEST(Queue, AStuckShapeDoesNotBlockOthers) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("x").training().on("cuda:0"));
  for (int i = 0; i < 50; ++i)
    box.take(submit("stuck" + std::to_string(i)).training().on("cuda:0"));
  box.take(submit("free").training().on("cuda:1"));
  EXPECT_EQ(box.where("free"), "cuda:1");
}

TEST(Queue, ManyOfOneShapeDoNotStarveAnother) {
  Box box = busy();
  for (int i = 0; i < 20; ++i) {
    box.take(submit("many" + std::to_string(i)).training().on("cuda"));
    if (i == 9) box.take(submit("single").training().on("auto").memory(3));
  }
  box.exits("first");
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(box.where("many" + std::to_string(i)), "cuda:0");
    box.exits("many" + std::to_string(i));
  }
  EXPECT_EQ(box.where("single"), "cuda:0");
}

TEST(Queue, FullQueueRefuses) {
  Config config;
  config.queue_size = 2;
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8), config);
  for (const char* id : {"runs", "a", "b"}) box.take(submit(id).training().on("cuda"));
  box.take(submit("c").training().on("cuda"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kQueueFull);
  box.cancel("a");
  box.take(submit("c").training().on("cuda"));
  EXPECT_EQ(box.where("c"), "queued");
}

TEST(Queue, FullQueueRefusesEvenWhatCouldStartAtOnce) {
  Config config;
  config.queue_size = 1;
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8), config);
  for (const char* id : {"runs", "waits"}) box.take(submit(id).training().on("cuda"));
  box.take(submit("cpu").training().on("cpu"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kQueueFull);
}

TEST(Queue, AnIdThatLivesIsRefused) {
  Box box = busy();
  box.take(submit("first").training().on("cuda"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDuplicateTask);
  EXPECT_EQ(box.where("first"), "cuda:0");
  box.take(submit("waits").training().on("cuda"));
  box.take(submit("waits").inference().on("cpu"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDuplicateTask);
}

// ---- a waiting task that needs several devices ----

TEST(Hold, SmallTasksCannotStarveAMultiGpuTask) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("s0").training().on("cuda"));
  box.now += minutes(1);
  box.take(submit("s1").training().on("cuda"));
  box.take(submit("wide").training().gpus(2));
  for (int i = 2; i < 10; ++i) {  // one always ends when another has arrived
    box.take(submit("s" + std::to_string(i)).training().on("cuda"));
    if (i - 2 < 2) box.exits("s" + std::to_string(i - 2));
  }
  EXPECT_EQ(box.where("wide"), "cuda:0,cuda:1");
}

TEST(Hold, OthersBackfillWhereTheyCannotDelayIt) {
  Box box(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0"));
  box.take(submit("b").training().on("cuda:1"));
  box.take(submit("c").training().on("cuda:2"));
  box.take(submit("wide").training().gpus(2));
  for (const char* id : {"i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9"})
    box.take(submit(id).inference().on("cuda"));
  EXPECT_EQ(box.state.queue.size(), 1U);  // inference beside training: 60 % + 3 * 13.3 %
  box.exits("a");
  EXPECT_EQ(box.where("wide"), "queued");
  box.take(submit("d").training().on("cuda"));
  EXPECT_EQ(box.where("d"), "queued");
  box.exits("b");
  EXPECT_EQ(box.where("wide"), "cuda:0,cuda:1");
}

TEST(Hold, NobodyJoinsOnADeviceThatItWantsForItself) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("i0").inference().on("cuda:0").memory(5));
  box.take(submit("wide").training().gpus(2).memory(10).exclusive());
  box.take(submit("i1").inference().on("cuda").memory(5));
  EXPECT_EQ(box.where("i1"), "queued");
  box.exits("i0");
  EXPECT_EQ(box.where("wide"), "cuda:0,cuda:1");
}

TEST(Hold, BackfillLeavesTheMemoryThatItNeeds) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0").memory(60));
  box.take(submit("wide").training().gpus(2).memory(60));
  box.take(submit("large").inference().on("cuda:1").memory(30));
  EXPECT_EQ(box.where("large"), "queued");
  box.take(submit("small").inference().on("cuda:1").memory(15));
  EXPECT_EQ(box.where("small"), "cuda:1");
  box.take(
      submit("beside").inference().on("cuda:0").memory(20));  // fits with "wide" when "a" has gone
  EXPECT_EQ(box.where("beside"), "cuda:0");
  box.exits("a");
  EXPECT_EQ(box.where("wide"), "cuda:0,cuda:1");
}

TEST(Hold, DevicesThatItDoesNotNeedStayOpen) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  for (const char* gpu : {"0", "1", "2"})
    box.take(submit(gpu).training().on("cuda:" + std::string(gpu)));
  box.take(submit("wide").training().gpus(3));  // holds cuda:3 and two of the others
  box.take(submit("cpu").training().on("cpu"));
  EXPECT_EQ(box.where("cpu"), "cpu");
  box.take(submit("i").inference().on("cuda").memory(4));
  EXPECT_NE(box.where("i"), "queued");
  box.exits("2");
  box.exits("0");
  EXPECT_NE(box.where("wide"), "queued");
  box.take(submit("late").training().on("cuda"));
  box.exits("1");
  EXPECT_NE(box.where("late"), "queued");
}

TEST(Hold, MoreUrgentTasksAreNotHeldBack) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0"));
  box.take(submit("wide").training().gpus(2));
  box.take(submit("urgent").training().on("cuda").priority(1));
  EXPECT_EQ(box.where("urgent"), "cuda:1");
}

TEST(Hold, IsExplained) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0"));
  box.take(submit("wide").training().gpus(2));
  box.take(submit("small").training().on("cuda"));
  EXPECT_EQ(box.where("small"), "queued");
  EXPECT_EQ(box.verdict("small", "cuda:1"), "held");
  EXPECT_EQ(box.verdict("wide", "cuda:1"), "fits");
}

TEST(Hold, EndsWithTheTaskThatHadIt) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0"));
  box.take(submit("wide").training().gpus(2));
  box.take(submit("small").training().on("cuda"));
  box.cancel("wide");
  EXPECT_EQ(box.where("small"), "cuda:1");
}

TEST(Hold, IsNotForTasksThatCouldNotRunOnIdleDevices) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.truth("cuda:0").foreign = 70_GiB;  // somebody else's: no end in sight
  box.sample();
  box.take(submit("wide").training().gpus(2).memory(40));
  box.take(submit("small").training().on("cuda"));
  EXPECT_EQ(box.where("small"), "cuda:1");
}

TEST(Hold, AWholeDeviceTaskIsServedAfterAnHour) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("i0").inference().on("cuda"));
  box.take(submit("whole").command().on("cuda"));
  box.take(submit("i1").inference().on("cuda"));
  EXPECT_EQ(box.where("i1"),
            "cuda:0");  // it waits for one device only: others may pass for a while
  box.now += minutes(61);
  box.take(submit("i2").inference().on("cuda"));
  EXPECT_EQ(box.where("i2"), "queued");
  box.exits("i0");
  box.exits("i1");
  EXPECT_EQ(box.where("whole"), "cuda:0");
}

TEST(Pause, NothingIsPlacedUntilItEnds) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0"));
  box.input(Pause{true});
  box.take(submit("b").training().on("cuda:1"));
  EXPECT_EQ(box.where("b"), "queued");
  EXPECT_EQ(box.verdict("b", "cuda:1"), "paused");
  box.take(submit("c").training().on("cuda:0"));
  EXPECT_EQ(box.verdict("c", "cuda:0"), "kind_limit");  // what else is in the way is still said
  box.exits("a");
  EXPECT_EQ(box.where("c"), "queued");
  box.input(Pause{false});
  EXPECT_EQ(box.where("b"), "cuda:1");
  EXPECT_EQ(box.where("c"), "cuda:0");
}

TEST(Pause, OutlivesASnapshotAndEndsWithAStart) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.input(Pause{true});
  box.take(submit("a").training().on("cuda"));
  auto restored = state_from_json(to_json(box.state));
  ASSERT_TRUE(restored);
  EXPECT_TRUE(restored->paused);
  box.state = std::move(*restored);
  box.sample();
  EXPECT_EQ(box.where("a"), "queued");
  box.input(Configure{});
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Queue, AWaitingPairKeepsItsDevicesBetweenAnEndAndTheNextReading) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b"}) {
    box.take(submit(id).training().on("cuda").memory(70));
    box.truth(box.where(id)).used[id] = 70_GiB;
  }
  box.sample();
  box.take(submit("pair").training().on("cuda").gpus(2).memory(70));
  box.take(submit("small").training().on("cuda").memory(5));
  box.exits("a");  // its memory is still in the newest reading
  EXPECT_EQ(box.where("small"), "queued");
  EXPECT_EQ(box.verdict("small", "cuda:0"), "held");
  box.sample();
  EXPECT_EQ(box.where("small"), "queued");
  box.exits("b");
  box.sample();
  EXPECT_EQ(box.where("pair"), "cuda:0,cuda:1");
}

}  // namespace
}  // namespace berth::core::script
