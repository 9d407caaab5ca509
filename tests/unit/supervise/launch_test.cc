// SPDX-License-Identifier: Apache-2.0
#include "supervise/launch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

int open_descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

TEST(Launch, TheExitRecordHoldsTheTrueExitCode) {
  for (const int code : {0, 1, 3, 127, 255}) {
    const TempDir dir;
    const Ended ended = run(script(dir, "exit " + std::to_string(code)));
    EXPECT_EQ(ended.exit.exit_code, code);
    EXPECT_FALSE(ended.exit.signal);
    EXPECT_EQ(ended.exit.cause, "exited");
    EXPECT_LE(ended.started, ended.ended);
  }
}

TEST(Launch, TheExitRecordHoldsTheTrueSignal) {
  for (const int signal : {SIGKILL, SIGSEGV, SIGTERM, SIGUSR1}) {
    const TempDir dir;
    const Ended ended = run(script(dir, "kill -" + std::to_string(signal) + " $$"));
    EXPECT_EQ(ended.exit.signal, signal);
    EXPECT_FALSE(ended.exit.exit_code);
    EXPECT_EQ(ended.exit.cause, "exited");
  }
}

TEST(Launch, TimesAndMemoryAreThoseOfTheTask) {
  const TempDir dir;
  const Ended ended = run(script(dir, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
  EXPECT_GT(ended.user.count(), 0);
  EXPECT_GT(ended.max_rss.value, 0);
}

TEST(Launch, AProgramThatDoesNotExistIsNamed) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "");
  spec.argv = {"no-such-program"};
  const Ended ended = run(spec);
  EXPECT_EQ(ended.exit.exit_code, 127);
  EXPECT_EQ(ended.exit.cause, "launch_failed");
  EXPECT_NE(ended.message.find("no-such-program"), std::string::npos) << ended.message;
}

TEST(Launch, AProgramThatIsNotExecutableIsNamed) {
  const TempDir dir;
  append_to(dir / "plain", "text");
  LaunchSpec spec = script(dir, "");
  spec.argv = {dir / "plain"};
  const Ended ended = run(spec);
  EXPECT_EQ(ended.exit.exit_code, 126);
  EXPECT_EQ(ended.exit.cause, "launch_failed");
  EXPECT_NE(ended.message.find(dir / "plain"), std::string::npos) << ended.message;
}

TEST(Launch, AWorkingDirectoryThatDoesNotExistIsNamed) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "true");
  spec.cwd = "/no/such/directory";
  const Ended ended = run(spec);
  EXPECT_EQ(ended.exit.exit_code, 126);
  EXPECT_EQ(ended.exit.cause, "launch_failed");
  EXPECT_NE(ended.message.find("/no/such/directory"), std::string::npos) << ended.message;
}

TEST(Launch, TheTaskGetsExactlyItsEnvironmentAndDirectory) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "");
  spec.attempt = 4;
  spec.argv = {"/usr/bin/env"};
  spec.env = {"A=1", "B=two words", "BERTH_TASK_ID=forged"};
  run(spec);
  std::vector<std::string> lines = base::split(content(spec.directory + "/stdout"), '\n');
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (std::vector<std::string>{"", "A=1", "B=two words", "BERTH_ATTEMPT=4",
                                             "BERTH_EVENTS=" + spec.directory + "/events",
                                             "BERTH_TASK_ID=t1"}));

  const TempDir other;
  LaunchSpec where = script(other, "pwd -P");
  where.cwd = "/usr";
  run(where);
  EXPECT_EQ(content(where.directory + "/stdout"), "/usr\n");
}

TEST(Launch, WithoutACwdTheTaskRunsInTheAttemptDirectory) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "pwd -P");
  spec.cwd.clear();
  run(spec);
  EXPECT_EQ(content(spec.directory + "/stdout"), spec.directory + "\n");
}

TEST(Launch, ProgramsAreFoundInThePathOfTheTask) {
  const TempDir dir;
  append_to(dir / "my-tool", "#!/bin/sh\necho found\n");
  ASSERT_EQ(::chmod((dir / "my-tool").c_str(), 0755), 0);
  LaunchSpec spec = script(dir, "");
  spec.argv = {"my-tool"};
  spec.env = {"PATH=" + dir.path()};
  EXPECT_EQ(run(spec).exit.exit_code, 0);
  EXPECT_EQ(content(spec.directory + "/stdout"), "found\n");
}

TEST(Launch, TheTaskStartsWithDefaultSignalsAndNoForeignDescriptors) {
  const TempDir dir;
  const int leaked = ::open("/dev/zero", O_RDONLY);  // not close-on-exec
  std::signal(SIGPIPE, SIG_IGN);
  LaunchSpec spec = script(dir, "");
  spec.argv = {"/bin/sh", "-c",
               "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ls -l /proc/self/fd | grep -c zero"};
  run(spec);
  std::signal(SIGPIPE, SIG_DFL);
  ::close(leaked);
  const std::string out = content(spec.directory + "/stdout");
  EXPECT_NE(out.find("SigBlk:\t0000000000000000"), std::string::npos) << out;
  EXPECT_NE(out.find("SigIgn:\t0000000000000000"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("0\n")) << out;
}

TEST(Launch, TheTaskHasItsOwnSessionAndTheDefaultOomScore) {
  const TempDir dir;
  const LaunchSpec spec =
      script(dir, "cut -d' ' -f1,5,6 /proc/$$/stat; cat /proc/$$/oom_score_adj");
  run(spec);
  const auto lines = base::split(content(spec.directory + "/stdout"), '\n');
  const auto ids = base::split(lines.at(0), ' ');
  EXPECT_EQ(ids.at(0), ids.at(1));
  EXPECT_EQ(ids.at(0), ids.at(2));
  EXPECT_EQ(lines.at(1) + "\n", content("/proc/self/oom_score_adj"));
}

TEST(Launch, ASecondLaunchOfTheSameAttemptStartsNothing) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo started; read -r line < fifo");
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  const Launched first = start(spec);
  ASSERT_TRUE(wait_until([&] { return content(spec.directory + "/stdout") == "started\n"; }));
  EXPECT_EQ(wait_for_shim(start(spec)), 75);
  append_to(dir / "fifo", "go\n");
  EXPECT_EQ(wait_for_shim(first), 0);
  EXPECT_EQ(wait_for_shim(start(spec)), 75);
  EXPECT_EQ(content(spec.directory + "/stdout"), "started\n");
  EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 0);
}

TEST(Launch, OfTwentyRacingLaunchesOneStarts) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo started >> count");
  std::vector<Launched> shims;
  for (int i = 0; i < 20; ++i) shims.push_back(start(spec));
  int winners = 0;
  for (const Launched& shim : shims) winners += wait_for_shim(shim) == 0 ? 1 : 0;
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(content(dir / "count"), "started\n");
}

TEST(Launch, ImpossibleSpecsAreRefused) {
  const TempDir dir;
  LaunchSpec empty = script(dir, "");
  empty.argv.clear();
  EXPECT_EQ(launch(BERTH_SHIM, empty).error().code, base::ErrorCode::kBadRequest);
  LaunchSpec nul = script(dir, "");
  nul.argv.push_back(std::string("a\0b", 3));
  EXPECT_EQ(launch(BERTH_SHIM, nul).error().code, base::ErrorCode::kBadRequest);
  LaunchSpec environment = script(dir, "");
  environment.env = {"no equals sign"};
  EXPECT_EQ(launch(BERTH_SHIM, environment).error().code, base::ErrorCode::kBadRequest);
  LaunchSpec huge = script(dir, "");
  huge.argv.push_back(std::string(1U << 20, 'x'));
  EXPECT_EQ(launch(BERTH_SHIM, huge).error().code, base::ErrorCode::kBadRequest);
  EXPECT_EQ(launch("/no/such/shim", script(dir, "")).error().code, base::ErrorCode::kIoError);
}

TEST(Launch, AnotherUserRunsTheTaskAndCanWriteItsEvents) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root";
  const TempDir dir;
  ASSERT_EQ(::chmod(dir.path().c_str(), 0711), 0);
  LaunchSpec spec =
      script(dir, "id -u; id -g; echo '{}' >> $BERTH_EVENTS; cat /proc/self/status | grep Groups");
  spec.user = LaunchSpec::User{65534, 65534, {1234}};
  EXPECT_EQ(run(spec).exit.exit_code, 0) << content(spec.directory + "/stderr");
  EXPECT_TRUE(content(spec.directory + "/stdout").starts_with("65534\n65534\nGroups:\t1234"));
  EXPECT_EQ(content(spec.directory + "/events"), "{}\n");
}

TEST(Launch, TwoHundredLaunchesLeaveNoZombieAndNoDescriptor) {
  const TempDir dir;
  const int before = open_descriptors();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) {
    LaunchSpec spec = script(dir, "", "task" + std::to_string(i));
    spec.directory = dir / std::to_string(i);
    spec.argv = {"/bin/true"};
    EXPECT_EQ(run(spec).exit.exit_code, 0);
  }
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  RecordProperty("ms_per_launch", std::to_string(took.count() / 200));
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Launch, ReapToleratesAShimThatIsNotOurChild) {
  const auto self = identity_of(::getppid());
  ASSERT_TRUE(self);
  const auto pidfd = open_pidfd(*self);
  ASSERT_TRUE(pidfd);
  const auto status = reap(pidfd->get());
  ASSERT_TRUE(status);
  EXPECT_FALSE(*status);
}

}  // namespace
}  // namespace berth::supervise
