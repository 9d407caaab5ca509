// SPDX-License-Identifier: Apache-2.0
// Limits that the driver's program sets from the shim, and the signal for a task beyond its memory.
#include <csignal>

#include "supervise/cgroup.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

class Limits : public ::testing::Test {
 protected:
  /// A task in a cgroup, and a program in nvidia-smi's place that notes how it is called.
  LaunchSpec limited(const std::string& then) {
    program(then);
    LaunchSpec spec = script(dir_, "cat calls; pwd > ran");
    spec.env.emplace_back("LD_PRELOAD=/nonexistent/evil.so");
    // Any folder is good enough for the shim; cgroupfs need not be there.
    spec.cgroup = dir_ / "cgroup";
    spec.limits_program = dir_ / "smi";
    spec.limits = {{"GPU-a", base::Bytes{10LL << 30}}, {"GPU-b", base::Bytes{512LL << 20}}};
    return spec;
  }
  void program(const std::string& then) const {
    put(dir_ / "smi",
        "#!/bin/sh\ncd " + dir_.path() +
            "\n[ -e ran ] && echo late >> calls\necho \"$@ [$LD_PRELOAD]\" >> calls\n" + then +
            "\n");
    std::filesystem::permissions(dir_ / "smi", std::filesystem::perms::owner_all);
  }

  TempDir dir_;
};

TEST_F(Limits, AreSetBeforeTheTaskRunsWithTheSyntaxOfTheTool) {
  const LaunchSpec spec = limited("exit 0");
  EXPECT_EQ(run(spec).exit.exit_code, 0);
  const std::string rest = " --set -n " + spec.cgroup + " --soft-limit 0 --hard-limit ";
  EXPECT_EQ(
      content(spec.directory + "/stdout"),
      "memory-limits" + rest + "10240 -i GPU-a []\nmemory-limits" + rest + "512 -i GPU-b []\n");
  EXPECT_TRUE(exists(dir_ / "ran"));
  EXPECT_EQ(limits_hold(spec.directory, 2), true);
  EXPECT_EQ(limits_hold(spec.directory, 3), std::nullopt);
}

TEST_F(Limits, ThatCannotBeSetAreKnownAndTheTaskRuns) {
  const LaunchSpec spec = limited("case \"$*\" in *GPU-b) exit 7;; esac");
  EXPECT_EQ(run(spec).exit.exit_code, 0);
  EXPECT_TRUE(exists(dir_ / "ran"));
  EXPECT_EQ(limits_hold(spec.directory, 2), false);
  EXPECT_NE(content(spec.directory + "/limits").find("GPU-b 512 7"), std::string::npos);
}

TEST_F(Limits, WithoutTheToolTheTaskRuns) {
  LaunchSpec spec = limited("");
  spec.limits_program = "/nonexistent/smi";
  EXPECT_EQ(run(spec).exit.cause, "exited");
  EXPECT_EQ(limits_hold(spec.directory, 2), false);
}

TEST_F(Limits, OfAnAttemptWithoutAnyAreNotKnown) {
  const LaunchSpec spec = script(dir_, "true");
  run(spec);
  EXPECT_EQ(limits_hold(spec.directory, 0), std::nullopt);
  EXPECT_EQ(limits_hold(spec.directory, 1), std::nullopt);
}

TEST(MemorySignal, EndsTheTreeWithItsOwnCause) {
  const TempDir dir;
  const LaunchSpec spec =
      script(dir, "trap 'exit 0' TERM; echo $$ > pid; while :; do sleep 0.05; done");
  const Launched launched = start(spec);
  wait_for_pid(dir / "pid");
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kMemorySignal));
  EXPECT_EQ(wait_for_shim(launched), 0);
  const Ended ended = adopted(spec.directory).ended;
  EXPECT_EQ(ended.exit.cause, "memory_limit");
  EXPECT_EQ(ended.exit.exit_code, 0);
}

TEST(MemorySignal, LeavesTheGraceAndRepeatedChangesNothing) {
  const TempDir dir;
  LaunchSpec spec =
      script(dir, "trap 'echo ending > ending' TERM; echo $$ > pid; while :; do sleep 0.05; done");
  spec.grace = base::Duration{600};
  const Launched launched = start(spec);
  wait_for_pid(dir / "pid");
  ASSERT_TRUE(send_signal(launched.pidfd.get(), kMemorySignal));
  ASSERT_TRUE(wait_until([&] { return exists(dir / "ending"); }));
  for (int i = 0; i < 3; ++i) (void)send_signal(launched.pidfd.get(), kMemorySignal);
  EXPECT_FALSE(has_ended(launched.pidfd.get())) << "the grace is not over";
  EXPECT_EQ(wait_for_shim(launched), 0);
  const Ended ended = adopted(spec.directory).ended;
  EXPECT_EQ(ended.exit.cause, "memory_limit");
  EXPECT_EQ(ended.exit.signal, SIGKILL);
  EXPECT_GE((ended.ended - ended.started).count(), 600);
}

}  // namespace
}  // namespace berth::supervise
