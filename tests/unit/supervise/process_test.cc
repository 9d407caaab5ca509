// SPDX-License-Identifier: Apache-2.0
#include "supervise/process.h"

#include <csignal>

#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

TEST(Process, AnIdentityWithAnotherStartTimeOrBootIsAnotherProcess) {
  const auto self = identity_of(::getpid());
  ASSERT_TRUE(self);
  EXPECT_TRUE(open_pidfd(*self));
  ProcessIdentity other = *self;
  other.start_time += 1;
  EXPECT_EQ(open_pidfd(other).error().code, base::ErrorCode::kNotFound);
  other = *self;
  other.boot_id = "00000000-0000-0000-0000-000000000000";
  EXPECT_EQ(open_pidfd(other).error().code, base::ErrorCode::kNotFound);
}

TEST(Process, AProcessThatEndedIsNotFound) {
  const TempDir dir;
  const Launched launched = start(script(dir, "exit 0"));
  const auto identity = identity_of(launched.shim_pid);
  ASSERT_TRUE(identity);
  wait_for_shim(launched);
  EXPECT_EQ(open_pidfd(*identity).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(identity_of(launched.shim_pid).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(send_signal(launched.pidfd.get(), SIGTERM).error().code, base::ErrorCode::kNotFound);
}

TEST(Process, EveryProcessOfATaskIsMappedToIt) {
  const TempDir dir_a, dir_b;
  const std::string text =
      "(setsid sh -c 'echo $$ > deep; exec sleep 1000' &); echo $$ > pid; exec sleep 1000";
  const LaunchSpec spec_a = script(dir_a, text, "a"), spec_b = script(dir_b, text, "b");
  const Launched a = start(spec_a), b = start(spec_b);
  TaskProcesses tasks;
  const int a_deep = wait_for_pid(dir_a / "deep");
  EXPECT_FALSE(tasks.find(a_deep));  // not known yet, and not remembered as foreign
  tasks.add(spec_a.task, 1, a.shim_pid);
  tasks.add(spec_b.task, 1, b.shim_pid);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(tasks.find(wait_for_pid(dir_a / "pid")), spec_a.task);
    EXPECT_EQ(tasks.find(a_deep), spec_a.task);
    EXPECT_EQ(tasks.find(wait_for_pid(dir_b / "deep")), spec_b.task);
    EXPECT_FALSE(tasks.find(::getpid()));
    EXPECT_FALSE(tasks.find(1));
  }
  // A process whose shim is gone is known by what its environment says.
  ASSERT_TRUE(send_signal(a.pidfd.get(), SIGKILL));
  wait_for_shim(a);
  TaskProcesses later;
  later.add(spec_a.task, 1, a.shim_pid);
  EXPECT_EQ(later.find(a_deep), spec_a.task);
  EXPECT_FALSE(later.left_by(a_deep));
  later.add(spec_a.task, 2, a.shim_pid);
  EXPECT_FALSE(later.find(a_deep));
  EXPECT_EQ(later.left_by(a_deep), spec_a.task);
  EXPECT_FALSE(tasks.left_by(::getpid()));
  tasks.remove(spec_b.task);
  EXPECT_FALSE(tasks.find(wait_for_pid(dir_b / "pid")));

  EXPECT_TRUE(wait_until([&] { return is_gone(pid_in(dir_a / "pid")); }));
  EXPECT_EQ(*kill_strays(spec_a.task, 1), 1);
  ASSERT_TRUE(send_signal(b.pidfd.get(), kKillSignal));
  wait_for_shim(b);
}

}  // namespace
}  // namespace berth::supervise
