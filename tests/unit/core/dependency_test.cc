// SPDX-License-Identifier: Apache-2.0
// Tasks that come after others.
#include "core/script.h"
#include "core/snapshot.h"
#include "core/step.h"

namespace berth::core::script {
namespace {

TEST(Dependency, StartsWhenWhatItFollowsHasEndedWell) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  box.take(submit("b").training().on("cuda"));
  box.take(submit("c").training().on("cuda").after("a").after("b"));
  EXPECT_EQ(box.where("c"), "queued");
  EXPECT_EQ(box.verdict("c", "cuda:2"), "dependency");
  EXPECT_EQ(box.explain("c").own_reason, base::RefusalCode::kDependency);
  box.exits("a");
  EXPECT_EQ(box.where("c"), "queued");
  box.exits("b");
  EXPECT_EQ(box.only<Launch>().task, TaskId("c"));
}

TEST(Dependency, AFailureEndsWhatWasToFollow) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  box.take(submit("b").training().on("cuda").after("a"));
  box.take(submit("c").training().on("cuda").after("b"));
  box.take(submit("d").training().on("cuda").after("a", true));
  box.exits("a", 1);
  EXPECT_EQ(box.where("b"), "cancelled");
  EXPECT_EQ(box.where("c"), "cancelled");
  EXPECT_NE(box.where("d"), "queued");  // any end will do
  for (const auto& output : box.outputs) {
    const auto* finished = std::get_if<Finished>(&output);
    if (finished == nullptr || finished->task != TaskId("c")) continue;
    EXPECT_EQ(finished->exit.cause, "dependency");
    EXPECT_EQ(base::to_text(finished->why), "task b, which it was to follow, did not end well");
  }
}

TEST(Dependency, ARetryIsNoEnd) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(1));
  box.take(submit("b").training().on("cuda").after("a"));
  box.exits("a", 1);
  EXPECT_EQ(box.where("b"), "queued");
  box.exits("a", 0);
  EXPECT_NE(box.where("b"), "queued");
}

TEST(Dependency, CancellingWhatIsFollowedCancelsTheRest) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("x").training().on("cuda"));
  box.take(submit("a").training().on("cuda"));
  box.take(submit("b").training().on("cuda").after("a"));
  box.cancel("a");
  EXPECT_EQ(box.where("b"), "cancelled");
  box.cancel("b");
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
}

TEST(Dependency, AChainAsLongAsTheQueueEndsWithItsFirst) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("t0").training().on("cuda"));
  constexpr int kLength = 2000;
  for (int i = 1; i < kLength; ++i) {
    const auto ask = submit("t" + std::to_string(i)).after("t" + std::to_string(i - 1));
    step(box.state, Submit{ask.request}, box.now);
  }
  box.exits("t0", 1);
  EXPECT_EQ(box.seen<Finished>(), kLength);
  EXPECT_TRUE(box.state.tasks.empty());
}

TEST(Dependency, OfADiamondEachEndsOnce) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  box.take(submit("b").after("a"));
  box.take(submit("c").after("a"));
  box.take(submit("d").after("b").after("c"));
  box.exits("a", 1);
  EXPECT_EQ(box.seen<Finished>(), 4);
}

TEST(Dependency, CirclesAndUnknownTasksAreRefused) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").after("a"));
  EXPECT_EQ(box.refusal().message,
            "Task a is to come after itself: a circle that would never start");
  box.take(submit("a").after("b"));
  EXPECT_EQ(box.refusal().message,
            "There is no task b for a to come after: it must be submitted first");
  EXPECT_TRUE(box.state.tasks.empty());
  EXPECT_TRUE(box.state.dependents.empty());
}

TEST(Dependency, OutlivesARestart) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  box.take(submit("b").training().on("cuda").after("a"));
  auto back = state_from_json(to_json(box.state));
  ASSERT_TRUE(back);
  box.state = std::move(*back);
  box.exits("a");
  EXPECT_EQ(box.only<Launch>().task, TaskId("b"));
}

}  // namespace
}  // namespace berth::core::script
