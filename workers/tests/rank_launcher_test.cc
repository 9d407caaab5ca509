// SPDX-License-Identifier: Apache-2.0
// Ranks that are shell scripts, so that they fail in every way.
#include "runtime/rank_launcher.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "event_file.h"
#include "protocol/termination.h"

namespace berth::runtime {
namespace {

using protocol::ErrorCode;
using tests::EventFile;
using tests::TemporaryFolder;

/// `body`: what a rank does; "tell" writes an event.
RankLaunch scripted(const TemporaryFolder& folder, const std::string& body, int ranks = 2) {
  const std::string path = folder.write(
      "rank", "#!/bin/sh\ncd " + folder.path() +
                  "\ntell() { printf '%s\\n' \"$1\" >> \"$BERTH_EVENTS\"; }\n" + body + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  RankLaunch launch;
  launch.argv = {path};
  launch.ranks = ranks;
  launch.grace = std::chrono::milliseconds(300);
  launch.explanation = std::chrono::milliseconds(300);
  return launch;
}

std::string failure(const std::string& code, const std::string& message) {
  return "tell '{\"event\":\"failure\",\"code\":\"" + code + "\",\"message\":\"" + message + "\"}'";
}

bool appears(const std::string& path) {
  for (int i = 0; i < 1000 && !std::filesystem::exists(path); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return std::filesystem::exists(path);
}

TEST(Ranks, TellWhatRankZeroTellsAndTheWarningsOfTheOthers) {
  const TemporaryFolder folder;
  EventFile events;
  auto launch = scripted(folder, R"(
tell '{"event":"log","level":"INFO","message":"begun"}'
tell '{"event":"log","level":"WARNING","message":"odd"}'
[ $BERTH_RANK = 0 ] && sleep 0.2
tell "{\"event\":\"result\",\"data\":{\"rank\":$BERTH_RANK,\"of\":$BERTH_WORLD_SIZE,\"mine\":\"$MINE\"}}"
[ -e "$BERTH_RENDEZVOUS" ])");
  launch.environment = [](int rank) {
    return std::map<std::string, std::string>{{"MINE", "m" + std::to_string(rank)}};
  };
  const auto outcome = run_ranks(launch, &events.writer());
  ASSERT_TRUE(outcome) << outcome.error().message;
  const auto lines = events.all("log");
  ASSERT_EQ(lines.size(), 3u);
  std::string text;
  for (const auto& line : lines) text += std::string(line.at("message").as_string()) + ";";
  EXPECT_NE(text.find("begun;"), std::string::npos) << text;
  EXPECT_NE(text.find("rank 1: odd;"), std::string::npos) << text;
  EXPECT_EQ(events.count("rank"), 0u);
  EXPECT_EQ(events.count("of"), 2u);
  EXPECT_EQ(events.result().at("mine").as_string(), "m0");
}

TEST(Ranks, TheErrorIsThatOfTheRankWhichFailedNotOfThoseThatLostIt) {
  const TemporaryFolder folder;
  EventFile events;
  auto launch =
      scripted(folder, "if [ $BERTH_RANK = 0 ]; then " + failure("communication", "lost rank 1") +
                           "; exit 1; fi; sleep 0.1; " + failure("no_space", "the disk is full") +
                           "; exit 1");
  const auto outcome = run_ranks(launch, &events.writer());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(outcome.error().message, "the disk is full");
  EXPECT_TRUE(events.all("failure").empty()) << "it is told by who asked for the ranks";
}

TEST(Ranks, OneThatFailsEndsTheOthersAndKeepsBackTheResult) {
  const TemporaryFolder folder;
  EventFile events;
  auto launch = scripted(folder,
                         "if [ $BERTH_RANK = 2 ]; then exit 7; fi\n"
                         "tell '{\"event\":\"result\",\"data\":{}}'\n"
                         "trap '' TERM; echo $$ > pid$BERTH_RANK; while :; do sleep 0.05; done",
                         3);
  const auto outcome = run_ranks(launch, &events.writer());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "rank 2 of 3 ended with exit status 7 without saying why");
  EXPECT_TRUE(events.all("result").empty());
  for (const char* name : {"/pid0", "/pid1"}) {
    const int pid = std::stoi(TemporaryFolder::read(folder.path() + name));
    EXPECT_EQ(::kill(pid, 0), -1) << "rank with pid " << pid << " still runs";
  }
}

TEST(Ranks, OneThatIsKilledIsNamed) {
  const TemporaryFolder folder;
  EventFile events;
  auto launch = scripted(folder, "[ $BERTH_RANK = 1 ] && kill -9 $$; " +
                                     failure("communication", "connection closed") + "; exit 1");
  auto outcome = run_ranks(launch, &events.writer());
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("rank 1 of 2 was killed (signal 9)"), std::string::npos)
      << outcome.error().message;
  launch = scripted(folder, "[ $BERTH_RANK = 1 ] && kill -SEGV $$; sleep 9");
  outcome = run_ranks(launch, &events.writer());
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("rank 1 of 2 was ended by signal 11"), std::string::npos)
      << outcome.error().message;
}

TEST(Ranks, WhereNcclFailsAllAreRunOnceMoreWithoutPeerToPeer) {
  const TemporaryFolder folder;
  EventFile events;
  const std::string fail = failure("communication", "NCCL failed on rank 1 of 2 (cuda:1)");
  auto launch =
      scripted(folder, "echo x >> attempts$BERTH_RANK\n[ \"$NCCL_P2P_DISABLE\" = 1 ] && " +
                           std::string("tell '{\"event\":\"result\",\"data\":{}}' && exit 0\n") +
                           fail + "; exit 1");
  launch.on_gpus = true;
  auto outcome = run_ranks(launch, &events.writer());
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(TemporaryFolder::read(folder.path() + "/attempts1"), "x\nx\n");
  EXPECT_EQ(events.all("result").size(), 1u);
  ASSERT_EQ(events.all("log").size(), 1u);
  const std::string warning = events.all("log")[0].at("message").as_string().c_str();
  EXPECT_NE(warning.find("NCCL failed on rank 1 of 2 (cuda:1)"), std::string::npos) << warning;
  EXPECT_NE(warning.find("NCCL_P2P_DISABLE=1"), std::string::npos) << warning;

  launch = scripted(folder, "echo x >> more$BERTH_RANK\n" + fail + "; exit 1");
  launch.on_gpus = true;
  outcome = run_ranks(launch, &events.writer());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kCommunication);
  EXPECT_NE(outcome.error().message.find("second attempt"), std::string::npos);
  EXPECT_EQ(TemporaryFolder::read(folder.path() + "/more0"), "x\nx\n") << "once more, not for ever";

  launch = scripted(folder, "echo x >> cpu$BERTH_RANK\n" + fail + "; exit 1");
  EXPECT_FALSE(run_ranks(launch, &events.writer()));
  EXPECT_EQ(TemporaryFolder::read(folder.path() + "/cpu0"), "x\n") << "Gloo has no peer-to-peer";
  launch =
      scripted(folder, "echo x >> oom$BERTH_RANK\n" + failure("out_of_memory", "m") + "; exit 1");
  launch.on_gpus = true;
  EXPECT_FALSE(run_ranks(launch, &events.writer()));
  EXPECT_EQ(TemporaryFolder::read(folder.path() + "/oom0"), "x\n");
}

class RanksOfAProcess : public ::testing::TestWithParam<int> {};

TEST_P(RanksOfAProcess, EndWithIt) {
  const TemporaryFolder folder;
  // A rank removes what it has not finished when it is asked to end.
  auto launch = scripted(folder,
                         "touch unfinished$BERTH_RANK\n"
                         "trap 'rm unfinished$BERTH_RANK; touch gone$BERTH_RANK; exit 143' TERM\n"
                         "touch here$BERTH_RANK; while :; do sleep 0.05; done");
  launch.grace = std::chrono::seconds(5);
  const pid_t child = ::fork();
  if (child == 0) {
    protocol::install_termination();
    protocol::EventWriter events("", /*text=*/false);
    (void)run_ranks(launch, &events);
    ::_exit(0);
  }
  ASSERT_TRUE(appears(folder.path() + "/here0") && appears(folder.path() + "/here1"));
  ::kill(child, GetParam());
  int status = 0;
  ::waitpid(child, &status, 0);
  if (GetParam() == SIGTERM) {
    EXPECT_EQ(WEXITSTATUS(status), 143);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/unfinished0")) << "it waits for them";
  }
  EXPECT_TRUE(appears(folder.path() + "/gone0") && appears(folder.path() + "/gone1"));
}

INSTANTIATE_TEST_SUITE_P(Signals, RanksOfAProcess, ::testing::Values(SIGTERM, SIGKILL));

}  // namespace
}  // namespace berth::runtime
