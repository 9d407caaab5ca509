// SPDX-License-Identifier: Apache-2.0
// From submission to the end: cancel, exit, launch failures, late news.
#include "core/script.h"

namespace berth::core::script {
namespace {

Box two_waiting() {  // "run" runs, "wait" and "last" wait
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"run", "wait", "last"}) box.take(submit(id).training().on("cuda"));
  return box;
}

const Finished& finished(const Box& box) { return std::get<Finished>(box.outputs.front()); }

TEST(Lifecycle, SubmitAnswersQueuedThenLaunch) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  ASSERT_EQ(box.outputs.size(), 2U);
  EXPECT_EQ(std::get<Queued>(box.outputs[0]).task, TaskId("a"));
  const auto& launch = std::get<Launch>(box.outputs[1]);
  EXPECT_EQ(launch.task, TaskId("a"));
  EXPECT_EQ(launch.attempt, 1);
  EXPECT_EQ(launch.placement.shares.front().name, "cuda:0");
}

TEST(Lifecycle, ExitCodeDecides) {
  Box box = two_waiting();
  box.exits("run", 0);
  EXPECT_EQ(box.where("run"), "completed");
  EXPECT_EQ(finished(box).attempt, 1);
  EXPECT_EQ(finished(box).exit.exit_code, 0);
  box.exits("wait", 3);
  EXPECT_EQ(box.where("wait"), "failed");
  EXPECT_EQ(box.where("last"), "cuda:0");
}

TEST(Lifecycle, SignalTimeoutAndLossAreFailures) {
  for (const auto& exit :
       {model::Exit{{}, 9, "exited"}, model::Exit{0, {}, "timeout"}, model::Exit{{}, {}, "lost"}}) {
    Box box = two_waiting();
    box.input(Exited{TaskId("run"), 1, exit, {}});
    EXPECT_EQ(box.where("run"), "failed") << exit.cause;
  }
}

TEST(Lifecycle, CancelOfAQueuedTaskEndsItAtOnceAndItNeverLaunches) {
  Box box = two_waiting();
  box.cancel("wait");
  EXPECT_EQ(box.where("wait"), "cancelled");
  EXPECT_EQ(finished(box).attempt, 0);
  EXPECT_EQ(finished(box).exit.cause, "cancelled");
  box.exits("run");
  EXPECT_EQ(box.seen<Launch>(), 1);
  EXPECT_EQ(box.where("last"), "cuda:0");
}

TEST(Lifecycle, CancelOfARunningTaskStopsItAndKeepsItsPlaceUntilItIsGone) {
  Box box = two_waiting();
  box.cancel("run");
  ASSERT_EQ(box.outputs.size(), 1U);
  EXPECT_EQ(std::get<Stop>(box.outputs[0]).attempt, 1);
  EXPECT_EQ(box.where("run"), "cuda:0");
  EXPECT_EQ(box.where("wait"), "queued");
  box.exits("run", 0);  // it ended well, but it was cancelled
  EXPECT_EQ(box.where("run"), "cancelled");
  EXPECT_EQ(box.where("wait"), "cuda:0");
}

TEST(Lifecycle, CancelTwiceAsksToStopAgain) {
  Box box = two_waiting();
  box.cancel("run");
  box.cancel("run");
  EXPECT_EQ(box.seen<Stop>(), 1);
  EXPECT_EQ(box.seen<Refused>(), 0);
}

TEST(Lifecycle, CancelOfAnUnknownOrFinishedTaskIsRefused) {
  Box box = two_waiting();
  box.cancel("nobody");
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
  box.exits("run");
  box.cancel("run");
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
}

TEST(Lifecycle, LaunchFailedEndsTheTask) {
  Box box = two_waiting();
  box.launch_failed("run", false);
  EXPECT_EQ(box.where("run"), "failed");
  EXPECT_EQ(finished(box).exit.cause, "launch_failed");
  EXPECT_EQ(box.where("wait"), "cuda:0");
}

TEST(Lifecycle, LaunchFailedAgainQueuesItAtItsOldPlace) {
  Box box = two_waiting();
  box.truth("cuda:0").foreign = 79_GiB;  // what the second look found
  box.sample();
  box.launch_failed("run", true);
  EXPECT_EQ(box.where("run"), "queued");
  EXPECT_TRUE(box.outputs.empty());
  box.truth("cuda:0").foreign = Bytes{};
  box.sample();
  EXPECT_EQ(box.where("run"), "cuda:0");  // before "wait"
  EXPECT_EQ(std::get<Launch>(box.outputs[0]).attempt, 2);
  EXPECT_EQ(box.where("wait"), "queued");
}

TEST(Lifecycle, LaunchFailedAgainOfACancelledTaskCancelsIt) {
  Box box = two_waiting();
  box.cancel("run");
  box.launch_failed("run", true);
  EXPECT_EQ(box.where("run"), "cancelled");
  EXPECT_EQ(finished(box).exit.cause, "cancelled");
  EXPECT_EQ(box.where("wait"), "cuda:0");
}

TEST(Lifecycle, NewsOfAnotherAttemptIsIgnored) {
  Box box = two_waiting();
  box.launch_failed("run", true);  // attempt 2 starts at once
  ASSERT_EQ(box.where("run"), "cuda:0");
  const auto before = box.state.devices.at(box.id_of("cuda:0")).reservations;
  for (const int attempt : {0, 1, 3}) {
    box.exited("run", attempt, 1);
    EXPECT_TRUE(box.outputs.empty());
    box.input(LaunchFailed{TaskId("run"), attempt, false});
    EXPECT_TRUE(box.outputs.empty());
  }
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:0")).reservations, before);
  box.exited("run", 2, 0);
  EXPECT_EQ(box.where("run"), "completed");
}

TEST(Lifecycle, NewsOfQueuedUnknownAndFinishedTasksIsIgnored) {
  Box box = two_waiting();
  for (const char* id : {"wait", "nobody"}) {
    box.exited(id, 1, 0);
    EXPECT_TRUE(box.outputs.empty());
    box.input(LaunchFailed{TaskId(id), 1, true});
    EXPECT_TRUE(box.outputs.empty());
  }
  box.exits("run");
  box.exited("run", 1, 0);
  EXPECT_TRUE(box.outputs.empty());
}

TEST(Lifecycle, PeaksOfFailedTasksAreRememberedToo) {
  Box box = two_waiting();
  box.take(submit("s").training().on("cpu").signature("sig"));
  box.exits("s", 1, 5_GiB);
  EXPECT_EQ(box.state.history.at("sig").peak, 5_GiB);
}

TEST(Lifecycle, AnIdMayBeUsedAgainAfterItsEnd) {
  Box box = two_waiting();
  box.exits("run");
  box.take(submit("run").training().on("cpu"));
  EXPECT_EQ(box.where("run"), "cpu");
}

}  // namespace
}  // namespace berth::core::script
