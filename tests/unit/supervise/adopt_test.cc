// SPDX-License-Identifier: Apache-2.0
#include "supervise/adopt.h"

#include <fcntl.h>
#include <sys/file.h>

#include <csignal>
#include <future>

#include "shim/layout.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;
using Phase = Adoption::Phase;

TEST(Adopt, WithoutAClaimNothingWasStarted) {
  const TempDir dir;
  EXPECT_EQ(adopted(dir.path()).phase, Phase::kNeverStarted);
  EXPECT_EQ(adopted(dir / "absent").phase, Phase::kNeverStarted);
}

TEST(Adopt, AClaimHeldByALivingShimIsStarting) {
  const TempDir dir;
  const base::Fd claim(::open((dir / "claim").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(claim.get(), LOCK_EX), 0);
  EXPECT_EQ(adopted(dir.path()).phase, Phase::kStarting);
}

TEST(Adopt, AClaimThatNobodyHoldsIsLost) {
  const TempDir dir;
  append_to(dir / "claim", "");
  const Adoption adoption = adopted(dir.path());
  EXPECT_EQ(adoption.phase, Phase::kVanished);
  EXPECT_EQ(adoption.ended.exit.cause, "lost");
}

TEST(Adopt, ARunningAttemptGivesAPidfdThatCancels) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo $$ > pid; exec sleep 1000");
  const Launched launched = start(spec);
  const int pid = wait_for_pid(dir / "pid");
  const Adoption adoption = adopted(spec.directory);
  ASSERT_EQ(adoption.phase, Phase::kRunning);
  EXPECT_EQ(adoption.shim.pid, launched.shim_pid);
  EXPECT_EQ(adoption.child_pid, pid);
  ASSERT_TRUE(send_signal(adoption.pidfd.get(), kCancelSignal));
  EXPECT_TRUE(wait_until([&] { return has_ended(adoption.pidfd.get()); }));
  EXPECT_EQ(adopted(spec.directory).ended.exit.cause, "cancelled");
  EXPECT_EQ(wait_for_shim(launched), 0);
}

TEST(Adopt, EveryMomentOfALaunchIsOneOfThePhases) {
  for (int i = 0; i < 30; ++i) {
    const TempDir dir;
    const LaunchSpec spec = script(dir, "exit 3");
    const Launched launched = start(spec);
    Phase last = Phase::kNeverStarted;
    EXPECT_TRUE(wait_until([&] {
      const Phase phase = adopted(spec.directory).phase;
      EXPECT_NE(phase, Phase::kVanished);
      EXPECT_GE(phase, last);
      last = phase;
      return phase == Phase::kEnded;
    }));
    EXPECT_EQ(wait_for_shim(launched), 0);
  }
}

TEST(Adopt, AShimThatWasKilledIsLostAndItsStraysAreFound) {
  const TempDir dir;
  const LaunchSpec spec = script(
      dir, "(setsid sleep 1000 & echo $! > stray); echo $$ > pid; exec sleep 1000", "stray-task");
  const Launched launched = start(spec);
  const int pid = wait_for_pid(dir / "pid");
  const int stray = wait_for_pid(dir / "stray");
  ASSERT_TRUE(send_signal(launched.pidfd.get(), SIGKILL));
  // Dead but not yet reaped, it must not pass for alive.
  ASSERT_TRUE(wait_until([&] { return has_ended(launched.pidfd.get()); }));
  const Adoption adoption = adopted(spec.directory);
  EXPECT_EQ(adoption.phase, Phase::kVanished);
  EXPECT_EQ(adoption.ended.exit.cause, "lost");
  EXPECT_FALSE(adoption.ended.message.empty());
  EXPECT_EQ(wait_for_shim(launched), 128 + SIGKILL);
  EXPECT_TRUE(wait_until([&] { return is_gone(pid); }));  // by its parent-death signal
  EXPECT_FALSE(is_gone(stray));

  EXPECT_EQ(*kill_strays(spec.task, spec.attempt + 1), 0);
  EXPECT_EQ(*kill_strays(model::TaskId("stray"), spec.attempt), 0);
  EXPECT_EQ(*kill_strays(spec.task, spec.attempt), 1);
  EXPECT_TRUE(wait_until([&] { return is_gone(stray); }));
}

TEST(Adopt, AfterARestartOfTheMachineTheAttemptIsLost) {
  const TempDir dir;
  const auto self = identity_of(::getpid());
  append_to(dir / "claim", "pid=" + std::to_string(self->pid) +
                               "\nstart_time=" + std::to_string(self->start_time) +
                               "\nboot_id=00000000-0000-0000-0000-000000000000\nstarted_ms=1000\n");
  const Adoption adoption = adopted(dir.path());
  EXPECT_EQ(adoption.phase, Phase::kVanished);
  EXPECT_NE(adoption.ended.message.find("restarted"), std::string::npos);
  EXPECT_EQ(base::to_ms(adoption.ended.started), 1000);
}

TEST(Adopt, AReusedPidIsNotTheShim) {
  const TempDir dir;
  const auto self = identity_of(::getpid());
  append_to(dir / "claim", "pid=" + std::to_string(self->pid) +
                               "\nstart_time=" + std::to_string(self->start_time - 1) +
                               "\nboot_id=" + boot_id() + "\nstarted_ms=1000\n");
  EXPECT_EQ(adopted(dir.path()).phase, Phase::kVanished);
}

TEST(Adopt, ARevokedAttemptCannotBeClaimedAnyMore) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "exit 0");
  EXPECT_TRUE(*revoke(spec.directory)) << "without a directory no shim was ever started";
  std::filesystem::create_directories(spec.directory);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(*revoke(spec.directory));
    EXPECT_EQ(adopted(spec.directory).phase, Phase::kRevoked);
  }
  EXPECT_EQ(wait_for_shim(start(spec)), shim::kExitClaimed);
  EXPECT_EQ(adopted(spec.directory).phase, Phase::kRevoked);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(spec.directory))
    left.push_back(entry.path().filename());
  EXPECT_EQ(left, std::vector<std::string>{"claim"});
}

TEST(Adopt, AClaimedAttemptCannotBeRevoked) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "exit 3");
  run(spec);
  EXPECT_FALSE(*revoke(spec.directory));
  EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 3);
}

// Whoever comes first: the task runs exactly when the revocation says that it may. Who that is, the
// machine decides.
TEST(Adopt, ARevocationAndAShimAgree) {
  for (int i = 0; i < 60; ++i) {
    const TempDir dir;
    const LaunchSpec spec = script(dir, "echo ran > ran");
    std::filesystem::create_directories(spec.directory);
    auto revocation = std::async(std::launch::async, [&spec, i] {
      ::usleep(static_cast<useconds_t>(i * 50));
      return *revoke(spec.directory);
    });
    const Launched launched = start(spec);
    const bool won = revocation.get();
    EXPECT_EQ(wait_for_shim(launched), won ? shim::kExitClaimed : shim::kExitRecorded);
    EXPECT_EQ(std::filesystem::exists(dir / "ran"), !won);
    EXPECT_EQ(adopted(spec.directory).phase, won ? Phase::kRevoked : Phase::kEnded);
  }
}

TEST(Adopt, ADamagedExitRecordIsNone) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "exit 3");
  run(spec);
  const std::string claim = content(spec.directory + "/claim");
  ASSERT_EQ(claim.size(), shim::kIdentityBytes + shim::kExitRecordBytes);
  const std::size_t meaningful = claim.find("\n\n", shim::kIdentityBytes);
  for (std::size_t length = shim::kIdentityBytes; length < meaningful; ++length) {
    std::string torn = claim.substr(0, length) + std::string(claim.size() - length, '\n');
    ASSERT_TRUE(base::write_file(spec.directory + "/claim", torn));
    EXPECT_EQ(adopted(spec.directory).phase, Phase::kVanished) << length;
  }
}

}  // namespace
}  // namespace berth::supervise
