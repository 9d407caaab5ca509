// SPDX-License-Identifier: Apache-2.0
#include "supervise/launcher.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "supervise/cgroup.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

class LauncherTest : public ::testing::Test {
 protected:
  LauncherTest() : launcher_(std::move(*Launcher::start(BERTH_SHIM))) {
    const auto hello = next();
    EXPECT_TRUE(hello && hello->number == 0);
  }

  std::optional<Launcher::Reply> next() {
    pollfd ready{launcher_.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 10'000), 1);
    auto reply = launcher_.receive();
    return reply ? std::move(*reply) : std::nullopt;
  }

  std::optional<std::uint32_t> send(const LaunchSpec& spec, bool held = false) {
    const auto command = prepare(BERTH_SHIM, spec);
    EXPECT_TRUE(command);
    return launcher_.send(*command, held);
  }

  // A shim that has got as far as it may: its claim lies there under a name of its own.
  Launched held(const LaunchSpec& spec) {
    EXPECT_TRUE(send(spec, true));
    auto reply = next();
    EXPECT_TRUE(reply && reply->launched && reply->launched->channel.valid());
    expect_held(spec, *reply->launched);
    return std::move(*reply->launched);
  }

  static void expect_held(const LaunchSpec& spec, const Launched& shim) {
    EXPECT_TRUE(wait_until([&] { return files_in(spec.directory).size() == 1; }));
    EXPECT_EQ(files_in(spec.directory).at(0), "claim." + std::to_string(shim.shim_pid));
    EXPECT_EQ(adopted(spec.directory).phase, Adoption::Phase::kNeverStarted);
  }

  static Word heard(const Launched& shim) {
    pollfd ready{shim.channel.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 10'000), 1);
    return hear(shim.channel);
  }

  // Another attempt by a shim that has ended one.
  static void hand_over(const Launched& shim, const LaunchSpec& spec) {
    const auto command = prepare(BERTH_SHIM, spec);
    ASSERT_TRUE(command);
    ASSERT_TRUE(send_next(shim.channel, *command));
    expect_held(spec, shim);
  }

  static std::vector<std::string> files_in(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      names.push_back(entry.path().filename());
    return names;
  }

  Launcher launcher_;
};

TEST_F(LauncherTest, AHeldShimRunsNothingBeforeTheWord) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "exit 3");
  const Launched launched = held(spec);
  EXPECT_EQ(adopted(spec.directory).phase, Adoption::Phase::kNeverStarted);
  EXPECT_FALSE(has_ended(launched.pidfd.get()));
  EXPECT_EQ(hear(launched.channel), Word::kNothing);
  ASSERT_TRUE(say_go(launched.channel));
  EXPECT_EQ(heard(launched), Word::kEnded);
  EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 3);
  EXPECT_EQ(files_in(spec.directory), std::vector<std::string>{"claim"});
  EXPECT_FALSE(has_ended(launched.pidfd.get()));
}

TEST_F(LauncherTest, AHeldShimLeavesNothingWhenItIsNotWanted) {
  for (const int signal : {kCancelSignal, kKillSignal, kMemorySignal}) {
    const TempDir dir;
    const LaunchSpec spec = script(dir, "exit 3");
    const Launched launched = held(spec);
    ASSERT_TRUE(
        send_signal(launched.pidfd.get(), SIGHUP));  // means nothing while there is a daemon
    ASSERT_TRUE(send_signal(launched.pidfd.get(), signal));
    EXPECT_EQ(heard(launched), Word::kGone);
    EXPECT_TRUE(wait_until([&] { return has_ended(launched.pidfd.get()); }));
    EXPECT_TRUE(files_in(spec.directory).empty());
    EXPECT_FALSE(say_go(launched.channel));
  }
}

TEST_F(LauncherTest, AHeldShimGoesWithTheDaemonNotWithTheLauncher) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "exit 3");
  Launched launched = held(spec);
  {
    const Launcher last = std::move(launcher_);
  }
  expect_held(spec, launched);
  launched.channel.reset();
  EXPECT_TRUE(wait_until([&] { return has_ended(launched.pidfd.get()); }));
  EXPECT_TRUE(files_in(spec.directory).empty());
}

TEST_F(LauncherTest, WhatWaitsForTheWordIsGoneWithItsShim) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo ran > ran");
  const Launched launched = held(spec);
  std::vector<int> waiting;
  ASSERT_TRUE(wait_until([&] { return (waiting = descendants(launched.shim_pid)).size() == 1; }));
  ASSERT_TRUE(send_signal(launched.pidfd.get(), SIGKILL));
  EXPECT_TRUE(wait_until([&] { return !identity_of(waiting.at(0)); }));
  EXPECT_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST_F(LauncherTest, AShimTakesOneAttemptAfterTheOther) {
  const TempDir first;
  // Memory and output of one attempt are not the next one's.
  const LaunchSpec big = script(
      first, "x=$(head -c 30000000 /dev/zero | tr '\\0' x); echo $PPID ${#x}; exit 1", "big");
  const Launched shim = held(big);
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_EQ(heard(shim), Word::kEnded);
  for (int i = 0; i < 5; ++i) {
    const TempDir dir;
    const LaunchSpec spec =
        script(dir, "echo $BERTH_TASK_ID $PPID; kill -TERM $$", "t" + std::to_string(i));
    hand_over(shim, spec);
    ASSERT_TRUE(say_go(shim.channel));
    ASSERT_EQ(heard(shim), Word::kEnded);
    const Adoption adoption = adopted(spec.directory);
    EXPECT_EQ(adoption.phase, Adoption::Phase::kEnded);
    EXPECT_EQ(adoption.ended.exit.signal, SIGTERM);
    EXPECT_LT(adoption.ended.max_rss.value, 20'000'000);
    EXPECT_EQ(content(spec.directory + "/stdout"),
              spec.task.value + " " + std::to_string(shim.shim_pid) + "\n");
  }
  const Adoption adoption = adopted(big.directory);
  EXPECT_EQ(adoption.ended.exit.exit_code, 1);
  EXPECT_GT(adoption.ended.max_rss.value, 20'000'000);
}

TEST_F(LauncherTest, TheSecondAttemptToo) {
  const TempDir dir, other, last;
  Launched shim = held(script(dir, "exit 0"));
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_EQ(heard(shim), Word::kEnded);
  // ... cannot be executed,
  LaunchSpec absent = script(other, "");
  absent.argv = {"/nonexistent/program"};
  absent.cwd = "/";
  hand_over(shim, absent);
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_EQ(heard(shim), Word::kEnded);
  EXPECT_EQ(adopted(absent.directory).ended.exit.cause, "launch_failed");
  // ... is seen through when there is nobody any more who waits for it, and then the shim goes,
  const LaunchSpec spec =
      script(last, "echo x > up; while [ ! -e go ]; do sleep 0.02; done; exit 7");
  hand_over(shim, spec);
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(last / "up"); }));
  EXPECT_EQ(adopted(spec.directory).phase, Adoption::Phase::kRunning);
  shim.channel.reset();
  append_to(last / "go", "");
  EXPECT_TRUE(wait_until([&] { return has_ended(shim.pidfd.get()); }));
  EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 7);
}

TEST_F(LauncherTest, AnIdleShimGoesWhenNobodyWantsIt) {
  const TempDir dir;
  Launched shim = held(script(dir, "exit 0"));
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_EQ(heard(shim), Word::kEnded);
  shim.channel.reset();
  EXPECT_TRUE(wait_until([&] { return has_ended(shim.pidfd.get()); }));
}

TEST_F(LauncherTest, AShimKeepsItsCgroupFromAttemptToAttempt) {
  const auto cgroups = Cgroups::detect("launcher-test");
  if (!cgroups.available()) GTEST_SKIP() << cgroups.text();
  const TempDir first, second, third;
  const auto member = [&](const TempDir& dir, const std::string& more) {
    LaunchSpec spec = script(dir, "cat /proc/self/cgroup; " + more);
    spec.cgroup = cgroups.path_for_shim("s");
    spec.keep_cgroup = true;
    return spec;
  };
  const LaunchSpec one = member(first, "exit 1");
  Launched shim = held(one);
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_EQ(heard(shim), Word::kEnded);
  EXPECT_TRUE(std::filesystem::exists(one.cgroup));
  // One that must be killed leaves a cgroup that kills whatever is started in it.
  LaunchSpec two = member(second, "echo x > up; trap '' TERM; while :; do sleep 0.02; done");
  two.grace = base::Duration{0};
  hand_over(shim, two);
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(second / "up"); }));
  ASSERT_TRUE(send_signal(shim.pidfd.get(), kCancelSignal));
  ASSERT_EQ(heard(shim), Word::kEnded);
  const LaunchSpec three = member(third, "exit 3");
  hand_over(shim, three);
  ASSERT_TRUE(say_go(shim.channel));
  ASSERT_EQ(heard(shim), Word::kEnded);
  EXPECT_EQ(adopted(three.directory).ended.exit.exit_code, 3);
  for (const LaunchSpec* spec : std::initializer_list<const LaunchSpec*>{&one, &two, &three})
    EXPECT_NE(content(spec->directory + "/stdout").find("s.shim\n"), std::string::npos);
  shim.channel.reset();
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(one.cgroup); }));
  cgroups.release();
}

// One that makes groups of its own leaves a group that is no good for others.
TEST_F(LauncherTest, AShimWhoseCgroupIsSpoiltTakesNothingMore) {
  const auto cgroups = Cgroups::detect("launcher-test");
  if (!cgroups.available()) GTEST_SKIP() << cgroups.text();
  const TempDir dir;
  LaunchSpec spec = script(dir, "");
  spec.cgroup = cgroups.path_for_shim("spoilt");
  spec.keep_cgroup = true;
  spec.argv = {"mkdir", spec.cgroup + "/below"};
  const Launched shim = held(spec);
  ASSERT_TRUE(say_go(shim.channel));
  EXPECT_EQ(heard(shim), Word::kGone);
  EXPECT_EQ(adopted(spec.directory).phase, Adoption::Phase::kEnded);
  EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 0);
  std::filesystem::remove(spec.cgroup + "/below");
  cgroups.release();
  EXPECT_FALSE(std::filesystem::exists(spec.cgroup)) << "swept";
}

TEST_F(LauncherTest, ALimitOfFileSizesDoesNotHideWhyAProgramDidNotStart) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "");
  spec.argv = {"/nonexistent/program"};
  spec.user = LaunchSpec::User{::getuid(), ::getgid(), {}, {{RLIMIT_FSIZE, {0, 0}}}};
  const Launched shim = held(spec);
  ASSERT_TRUE(say_go(shim.channel));
  EXPECT_EQ(heard(shim), Word::kEnded);
  EXPECT_EQ(adopted(spec.directory).ended.exit.cause, "launch_failed");
}

TEST_F(LauncherTest, AnAttemptThatIsTakenIsLeftAloneByAHeldShim) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo x >> ran; exit 3");
  const Launched launched = held(spec);
  ASSERT_TRUE(send(spec));
  const auto reply = next();
  ASSERT_TRUE(reply && reply->launched);
  EXPECT_TRUE(wait_until([&] { return has_ended(reply->launched->pidfd.get()); }));
  ASSERT_TRUE(say_go(launched.channel));
  EXPECT_TRUE(wait_until([&] { return has_ended(launched.pidfd.get()); }));
  EXPECT_EQ(content(dir / "ran"), "x\n");
  EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 3);
}

TEST_F(LauncherTest, StartsShimsThatEndAsThoseOfLaunchDo) {
  for (int i = 0; i < 5; ++i) {
    const TempDir dir;
    const LaunchSpec spec = script(dir, "echo $BERTH_TASK_ID; exit " + std::to_string(i));
    const auto number = send(spec);
    ASSERT_TRUE(number);
    const auto reply = next();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->number, *number);
    ASSERT_TRUE(reply->launched) << reply->launched.error().message;
    EXPECT_TRUE(wait_until([&] { return has_ended(reply->launched->pidfd.get()); }));
    const Adoption adoption = adopted(spec.directory);
    EXPECT_EQ(adoption.phase, Adoption::Phase::kEnded);
    EXPECT_EQ(adoption.ended.exit.exit_code, i);
    EXPECT_EQ(content(spec.directory + "/stdout"), spec.task.value + "\n");
  }
}

TEST_F(LauncherTest, ManyAtATimeAreAnsweredInOrder) {
  const TempDir dir;
  std::vector<LaunchSpec> specs;
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 20; ++i) {
    specs.push_back(script(dir, "exit 0", "task-" + std::to_string(i)));
    specs.back().directory = dir / ("task-" + std::to_string(i));
    const auto number = send(specs.back());
    ASSERT_TRUE(number);
    numbers.push_back(*number);
  }
  for (int i = 0; i < 20; ++i) {
    const auto reply = next();
    ASSERT_TRUE(reply && reply->launched);
    EXPECT_EQ(reply->number, numbers[static_cast<std::size_t>(i)]);
    EXPECT_TRUE(wait_until([&] { return has_ended(reply->launched->pidfd.get()); }));
  }
  for (const auto& spec : specs) EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 0);
}

TEST_F(LauncherTest, ATaskIsCancelledByItsPidfdAndSaysWhatItIs) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "echo $$ > pid; exec sleep 1000");
  ASSERT_TRUE(send(spec));
  const auto reply = next();
  ASSERT_TRUE(reply && reply->launched);
  wait_for_pid(dir / "pid");
  const std::string command =
      content("/proc/" + std::to_string(reply->launched->shim_pid) + "/cmdline");
  EXPECT_NE(command.find("--dir"), std::string::npos);
  EXPECT_EQ(command.find("--launcher"), std::string::npos);
  ASSERT_TRUE(send_signal(reply->launched->pidfd.get(), kCancelSignal));
  EXPECT_TRUE(wait_until([&] { return has_ended(reply->launched->pidfd.get()); }));
  EXPECT_EQ(adopted(spec.directory).ended.exit.cause, "cancelled");
}

TEST_F(LauncherTest, WhatIsTooLongForItIsLeftToLaunch) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "exit 0");
  spec.argv.push_back(std::string(200'000, 'x'));
  EXPECT_FALSE(send(spec));
}

TEST(Launcher, TasksOutliveIt) {
  const TempDir dir;
  const LaunchSpec spec =
      script(dir, "echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; exit 7");
  {
    auto launcher = Launcher::start(BERTH_SHIM);
    ASSERT_TRUE(launcher);
    pollfd ready{launcher->fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
    ASSERT_TRUE(launcher->receive());
    ASSERT_TRUE(launcher->send(*prepare(BERTH_SHIM, spec)));
    wait_for_pid(dir / "pid");
  }
  EXPECT_EQ(adopted(spec.directory).phase, Adoption::Phase::kRunning);
  append_to(dir / "go", "");
  EXPECT_TRUE(wait_until([&] { return adopted(spec.directory).phase == Adoption::Phase::kEnded; }));
  EXPECT_EQ(adopted(spec.directory).ended.exit.exit_code, 7);
}

TEST(Launcher, OneThatIsNoneTakesNothing) {
  auto launcher = Launcher::start("/bin/true");
  ASSERT_TRUE(launcher);
  EXPECT_FALSE(launcher->send(ShimCommand{{"/bin/true"}, {}}));
  pollfd ready{launcher->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
  const auto reply = launcher->receive();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace berth::supervise
