// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "event_file.h"
#include "folder_content.h"
#include "prepare/places.h"
#include "prepare/run.h"
#include "protocol/output_folder.h"
#include "protocol/termination.h"

namespace berth::prepare {
namespace {

namespace fs = std::filesystem;
using boost::json::array;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Status;
using tests::content;
using tests::EventFile;
using tests::TemporaryFolder;

TEST(Run, NamesTheFirstHundredFailedFilesAndCountsTheRest) {
  EventFile events;
  Work work;
  work.count = 300;
  work.name = [](size_t i) { return "f" + std::to_string(i); };
  work.run = [](size_t i) -> Status {
    if (i % 2 == 0) return {};
    return failed(ErrorCode::kBadImage, "bad " + std::to_string(i));
  };
  const auto outcome = run_all(work, 4, &events.writer());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->done, 150u);
  EXPECT_EQ(outcome->failed, 150u);
  const array& named = outcome->stats.at("failed_files").as_array();
  ASSERT_EQ(named.size(), 100u);
  EXPECT_EQ(boost::json::serialize(named[99]), R"({"path":"f199","reason":"bad 199"})");
  EXPECT_EQ(events.all("progress").back().at("done").to_number<int>(), 300);
  EXPECT_EQ(events.all("progress").back().at("total").to_number<int>(), 300);
}

TEST(Run, FailsWhenEveryFileFailsWithTheReasonOfTheFirst) {
  EventFile events;
  Work work{3, [](size_t) { return "x"; },
            [](size_t i) { return failed(ErrorCode::kBadImage, "bad " + std::to_string(i)); }};
  const auto outcome = run_all(work, 2, &events.writer());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kBadImage);
  EXPECT_NE(outcome.error().message.find("bad 0"), std::string::npos);
}

TEST(Run, EndsAtOnceOnAFullDisk) {
  EventFile events;
  size_t calls = 0;
  Work work{1000, [](size_t) { return "x"; },
            [&](size_t) {
              ++calls;
              return failed(ErrorCode::kNoSpace, "full");
            }};
  const auto outcome = run_all(work, 1, &events.writer());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(calls, 1u);
}

TEST(OutputFolder, IsForOneTaskAtATime) {
  const TemporaryFolder folder;
  {
    const auto first = protocol::OutputFolder::open("output_path", folder.path() + "/out");
    ASSERT_TRUE(first);
    const auto second = protocol::OutputFolder::open("output_path", folder.path() + "/out");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kBadRequest);
  }
  EXPECT_TRUE(protocol::OutputFolder::open("output_path", folder.path() + "/out"));
}

TEST(OutputFolder, WhatNoTaskHasWrittenIsNotReplaced) {
  const TemporaryFolder folder;
  folder.write("out/a/own.jpg", "mine");
  const auto output = protocol::OutputFolder::open("save_path", folder.path() + "/out");
  ASSERT_TRUE(output);
  const auto refused = output->claim({"b.jpg", "a/own.jpg"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBadRequest);
  EXPECT_NE(refused.error().message.find("already holds a/own.jpg"), std::string::npos);
  EXPECT_TRUE(output->claim({"b.jpg", "c.jpg"})) << "files of other names may lie there";
  folder.write("out/b.jpg", "of a task");
  EXPECT_TRUE(output->claim({"d.jpg", "b.jpg"})) << "it is done anew";
  EXPECT_FALSE(output->claim({"d.jpg", "a/own.jpg"}));
}

TEST(LiesIn, FollowsLinks) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() + "/a/b");
  fs::create_directory_symlink(folder.path() + "/a", folder.path() + "/link");
  EXPECT_TRUE(lies_in(folder.path() + "/a", folder.path() + "/a/"));
  EXPECT_TRUE(lies_in(folder.path() + "/link/new/x", folder.path() + "/a"));
  EXPECT_FALSE(lies_in(folder.path() + "/ab", folder.path() + "/a"));
  EXPECT_FALSE(lies_in(folder.path(), folder.path() + "/a"));
}

TEST(Termination, RemovesTheFolderOfUnfinishedOutput) {
  const TemporaryFolder folder;
  for (int i = 0; i < 300; ++i)
    folder.write("stage/train/a/" + std::string(60, 'x') + std::to_string(i), "x");
  folder.write("kept/x", "x");
  fs::create_directory_symlink(folder.path() + "/kept", folder.path() + "/stage/train/link");
  const pid_t child = ::fork();
  if (child == 0) {
    protocol::install_termination();
    protocol::remember_folder(folder.path() + "/stage");
    ::raise(SIGTERM);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 143);
  EXPECT_EQ(content(folder.path()), (std::map<std::string, std::string>{{"kept/x", "x"}}));
  EXPECT_FALSE(fs::exists(folder.path() + "/stage"));
  EXPECT_FALSE(fs::exists(folder.path() + "/stage" + protocol::kLeavingSuffix));
}

}  // namespace
}  // namespace berth::prepare
