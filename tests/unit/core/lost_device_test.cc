// SPDX-License-Identifier: Apache-2.0
// Tasks whose device goes away under them.
#include "core/script.h"

namespace berth::core::script {
namespace {

using model::FailureKind;
using model::Health;

void lose(Box& box, const char* device, Health health = Health::kLost) {
  box.truth(device).health = health;
  box.truth(device).reason = "XID 79";
  box.sample();
}

TEST(LostDevice, ItsTaskIsKilledAtOnceAndRunsElsewhere) {
  for (const Health health : {Health::kLost, Health::kFailed}) {
    Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
    box.take(submit("a").training().on("cuda").retry(1, 60));
    lose(box, "cuda:0", health);
    const auto stop = box.only<Stop>();
    EXPECT_TRUE(stop.now);
    EXPECT_EQ(stop.cause, "device_lost");
    box.exits("a", 137);
    EXPECT_EQ(box.only<Requeued>().kind, FailureKind::kDeviceLost);
    EXPECT_FALSE(box.only<Requeued>().not_before);  // elsewhere there is nothing to wait for
    EXPECT_EQ(box.where("a"), "cuda:1");
  }
}

TEST(LostDevice, WithoutARetryTheTaskFailsWithTheCause) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  lose(box, "cuda:0");
  box.exits("a", 137);
  EXPECT_EQ(box.where("a"), "failed");
  EXPECT_EQ(box.only<Finished>().exit.cause, "device_lost");
}

TEST(LostDevice, ADeviceThatVanishesIsLostToo) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:1").retry(1));
  box.take(submit("b").training().on("cuda").retry(1));
  box.announce(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  EXPECT_EQ(box.only<Stop>().task, TaskId("a"));
  box.exits("a", 137);
  EXPECT_EQ(box.where("a"), "queued");  // it named the device; should it come back, it runs there
}

TEST(LostDevice, AProcessThatCannotBeKilledIsFencedWithIt) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(1));
  lose(box, "cuda:0");
  box.after(box.state.config.fence);
  EXPECT_TRUE(box.only<Requeued>().fenced);
  EXPECT_EQ(box.where("a"), "cuda:1");
  EXPECT_EQ(box.only<Launch>().attempt, 2);
  box.truth("cuda:0").health = Health::kHealthy;  // well again, but not without the process
  box.sample();
  box.take(submit("b").training().on("cuda:0"));
  EXPECT_EQ(box.verdict("b", "cuda:0"), "fenced");
  box.exited("a", 1, 137);  // gone at last
  EXPECT_EQ(box.where("b"), "cuda:0");
  EXPECT_EQ(box.where("a"), "cuda:1");  // undisturbed
}

TEST(LostDevice, WhatMayNotBeRetriedWaitsForItsProcess) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  lose(box, "cuda:0");
  box.after_s(100);
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.exits("a", 137);
  EXPECT_EQ(box.where("a"), "failed");
}

TEST(LostDevice, ADriverThatIsSilentIsGivenTime) {
  Config config;
  config.hung_device = base::Duration{30'000};
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8), config);
  box.take(submit("a").training().on("cuda").retry(1));
  lose(box, "cuda:0", Health::kNotResponding);
  EXPECT_EQ(box.seen<Stop>(), 0);
  box.after_s(29);
  EXPECT_EQ(box.seen<Stop>(), 0);
  box.after_s(1);
  EXPECT_EQ(box.only<Stop>().task, TaskId("a"));
}

TEST(LostDevice, ATimeThatWasConfiguredAnewCountsForASilenceUnderWay) {
  for (const int seconds : {10, 100}) {
    Config config;
    config.hung_device = base::Duration{30'000};
    Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8), config);
    box.take(submit("a").training().on("cuda").retry(1));
    lose(box, "cuda:0", Health::kNotResponding);
    box.after_s(5);
    config.hung_device = base::Duration{seconds * 1000};
    box.input(Configure{config, false});
    box.after_s(seconds - 6);
    EXPECT_EQ(box.seen<Stop>(), 0) << seconds;
    EXPECT_LE(*next_wakeup(box.state), box.now + base::Duration{1'000}) << seconds;
    box.after_s(1);
    EXPECT_EQ(box.only<Stop>().task, TaskId("a")) << seconds;
  }
}

TEST(LostDevice, ADriverThatAnswersAgainLosesNothing) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  lose(box, "cuda:0", Health::kNotResponding);
  box.after_s(30);
  box.truth("cuda:0").health = Health::kHealthy;
  box.sample();
  box.after_s(300);
  EXPECT_EQ(box.seen<Stop>(), 0);
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(LostDevice, ACancelledTaskStaysCancelled) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").retry(3));
  box.cancel("a");
  lose(box, "cuda:0");
  EXPECT_TRUE(box.only<Stop>().now);
  box.after_s(10);
  EXPECT_EQ(box.seen<Requeued>(), 0);
  box.exits("a", 137);
  EXPECT_EQ(box.where("a"), "cancelled");
}

TEST(LostDevice, WithAllGpusGoneTasksWaitForThemInsteadOfTheProcessor) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.announce(Fleet().cpu(8));  // a driver that is being replaced
  box.take(submit("a").training().on("cuda"));
  EXPECT_EQ(box.where("a"), "queued");
  box.announce(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.sample();
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(LostDevice, WhatCameBeforeTheDevicesWereKnownIsAdmittedThen) {
  Box box = Box::empty();
  box.input(Configure{});
  box.take(submit("good").training().on("cuda:0"));
  box.take(submit("bad").training().on("cuda:7"));
  box.take(submit("follower").on("cpu").after("bad"));
  box.announce(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  EXPECT_EQ(box.where("bad"), "failed");
  EXPECT_EQ(box.where("follower"), "cancelled");
  box.sample();
  EXPECT_EQ(box.where("good"), "cuda:0");
}

}  // namespace
}  // namespace berth::core::script
