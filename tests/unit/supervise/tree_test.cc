// SPDX-License-Identifier: Apache-2.0
// Cancelling, timeouts, and what a main process leaves behind.
#include <csignal>

#include "supervise/cgroup.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

// Becomes a daemon the classical way, in another session, with its parent gone; TERM means nothing.
constexpr char kDaemonize[] =
    "(setsid sh -c '(trap \"\" TERM; sh -c \"echo \\$PPID > daemon\"; while :; do sleep 1; done) & "
    "' &) ;";

TEST(Tree, CancelEndsTheTaskWithSigterm) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo $$ > pid; exec sleep 1000");
  const Launched launched = start(spec);
  const int pid = wait_for_pid(dir / "pid");
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  const Ended ended = adopted(spec.directory).ended;
  EXPECT_EQ(ended.exit.signal, SIGTERM);
  EXPECT_EQ(ended.exit.cause, "cancelled");
  EXPECT_TRUE(is_gone(pid));
}

TEST(Tree, ATaskThatCleansUpOnSigtermKeepsItsExitCode) {
  const TempDir dir;
  const LaunchSpec spec =
      script(dir, "trap 'echo bye; exit 7' TERM; echo $$ > pid; while :; do sleep 0.01; done");
  const Launched launched = start(spec);
  wait_for_pid(dir / "pid");
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  const Ended ended = adopted(spec.directory).ended;
  EXPECT_EQ(ended.exit.exit_code, 7);
  EXPECT_EQ(ended.exit.cause, "cancelled");
  EXPECT_EQ(content(spec.directory + "/stdout"), "bye\n");
}

TEST(Tree, ACancelRightAfterTheLaunchIsNotLost) {
  for (int i = 0; i < 20; ++i) {
    const TempDir dir;
    const LaunchSpec spec = script(dir, "exec sleep 1000");
    const Launched launched = start(spec);
    ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
    EXPECT_EQ(wait_for_shim(launched), 0);
    EXPECT_EQ(adopted(spec.directory).ended.exit.cause, "cancelled");
  }
}

TEST(Tree, AfterTheGraceWhatIgnoresSigtermIsKilled) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done");
  spec.grace = base::Duration{200};
  const Launched launched = start(spec);
  const int pid = wait_for_pid(dir / "pid");
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  EXPECT_EQ(adopted(spec.directory).ended.exit.signal, SIGKILL);
  EXPECT_TRUE(is_gone(pid));
}

TEST(Tree, ASecondCancelDoesNotWaitForTheGrace) {
  for (const int second : {kCancelSignal, kKillSignal}) {
    const TempDir dir;
    LaunchSpec spec =
        script(dir, "trap 'touch termed' TERM; echo $$ > pid; while :; do sleep 0.05; done");
    spec.grace = base::Duration{3'600'000};
    const Launched launched = start(spec);
    wait_for_pid(dir / "pid");
    ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
    ASSERT_TRUE(wait_until([&] { return exists(dir / "termed"); }));
    ASSERT_TRUE(send_signal(launched.pidfd.get(), second));
    EXPECT_EQ(wait_for_shim(launched), 0);
    EXPECT_EQ(adopted(spec.directory).ended.exit.signal, SIGKILL);
    EXPECT_EQ(adopted(spec.directory).ended.exit.cause, "cancelled");
  }
}

TEST(Tree, AStoppedTaskCanBeCancelled) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo $$ > pid; kill -STOP $$; sleep 1000");
  const Launched launched = start(spec);
  const int pid = wait_for_pid(dir / "pid");
  ASSERT_TRUE(wait_until([&] {
    return content("/proc/" + std::to_string(pid) + "/stat").find(") T ") != std::string::npos;
  }));
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  EXPECT_EQ(adopted(spec.directory).ended.exit.signal, SIGTERM);
}

TEST(Tree, ADaemonInAnotherSessionThatIgnoresSigtermDiesWithItsTask) {
  const TempDir dir;
  LaunchSpec spec = script(dir, std::string(kDaemonize) + "echo $$ > pid; exec sleep 1000");
  spec.grace = base::Duration{300};
  const Launched launched = start(spec);
  const int pid = wait_for_pid(dir / "pid");
  const int daemon = wait_for_pid(dir / "daemon");
  EXPECT_FALSE(is_gone(daemon));
  const auto tree = descendants(launched.shim_pid);
  EXPECT_NE(std::find(tree.begin(), tree.end(), pid), tree.end());
  EXPECT_NE(std::find(tree.begin(), tree.end(), daemon), tree.end());
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  EXPECT_TRUE(is_gone(daemon));
  EXPECT_TRUE(is_gone(pid));
}

TEST(Tree, WhatTheMainProcessLeavesBehindIsEndedAndTheExitCodeStands) {
  const TempDir dir;
  LaunchSpec spec = script(
      dir, std::string(kDaemonize) +
               "sleep 1000 & echo $! > left; while [ ! -s daemon ]; do sleep 0.01; done; exit 5");
  spec.grace = base::Duration{300};
  const Ended ended = run(spec);
  EXPECT_EQ(ended.exit.exit_code, 5);
  EXPECT_EQ(ended.exit.cause, "exited");
  EXPECT_TRUE(is_gone(pid_in(dir / "left")));
  EXPECT_TRUE(is_gone(pid_in(dir / "daemon")));
}

TEST(Tree, ATimeoutIsACancelWithItsOwnCause) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "exec sleep 1000");
  spec.timeout = base::Duration{50};
  const Ended ended = run(spec);
  EXPECT_EQ(ended.exit.cause, "timeout");
  EXPECT_EQ(ended.exit.signal, SIGTERM);
}

TEST(Tree, ManyForkingProcessesAreAllKilled) {
  const TempDir dir;
  LaunchSpec spec = script(
      dir,
      "trap '' TERM; for i in 1 2 3 4; do (trap '' TERM; while :; do (sleep 0.01 & sleep 0.01); "
      "done) & done; echo $$ > pid; wait");
  spec.grace = base::Duration{100};
  const Launched launched = start(spec);
  wait_for_pid(dir / "pid");
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kCancelSignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  EXPECT_TRUE(descendants(launched.shim_pid).empty());
}

TEST(Tree, WithACgroupTheTaskRunsInItAndItIsRemoved) {
  const Cgroups cgroups = Cgroups::detect("test-" + std::to_string(::getpid()));
  if (!cgroups.available()) GTEST_SKIP() << cgroups.text();
  const TempDir dir;
  LaunchSpec spec = script(
      dir, "grep ^0:: /proc/self/cgroup; echo $$ > pid; (setsid sleep 1000 &); exec sleep 1000");
  spec.cgroup = cgroups.path_for(spec.task, spec.attempt);
  const Launched launched = start(spec);
  wait_for_pid(dir / "pid");
  EXPECT_EQ(adopted(spec.directory).cgroup, spec.cgroup);
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kKillSignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  const std::string line = content(spec.directory + "/stdout");
  EXPECT_NE(line.find("t1.1"), std::string::npos) << line;
  EXPECT_FALSE(exists(spec.cgroup));
  EXPECT_TRUE(remove_cgroup(cgroups.parent()));
}

}  // namespace
}  // namespace berth::supervise
