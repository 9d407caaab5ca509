// SPDX-License-Identifier: Apache-2.0
#include "daemon/notifier.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace berth::daemon {
namespace {

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() {
    std::signal(SIGPIPE, SIG_IGN);  // as berthd does
    char name[] = "/tmp/berth-notices-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~NotifierTest() override { std::filesystem::remove_all(directory_); }

  /// Appends what it is given to a file.
  NoticeTarget recorder(std::set<Happening> on = {}) {
    NoticeTarget target;
    target.command = {"/bin/sh", "-c", "(cat; echo \" $BERTH_EVENT\") >> " + directory_ + "/told"};
    target.on = std::move(on);
    return target;
  }
  std::string told() {
    std::ifstream file(directory_ + "/told");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static Notice notice(Happening what, const std::string& text) {
    Notice result;
    result.what = what;
    result.text = text;
    result.detail["extra"] = 7;
    result.at = base::from_ms(1'700'000'000'000);
    return result;
  }

  std::string directory_;
};

TEST_F(NotifierTest, ACommandGetsTheNoticeOnStandardInput) {
  {
    Notifier notifier;
    notifier.set_targets({recorder()});
    notifier.tell(notice(Happening::kDeviceHot, "too hot"));
  }  // what waits is told before it ends
  const std::string text = told();
  EXPECT_TRUE(text.ends_with(" device_hot\n")) << text;
  const auto json = base::parse_json(text.substr(0, text.rfind('}') + 1));
  ASSERT_TRUE(json) << text;
  EXPECT_EQ(json->at("event"), "device_hot");
  EXPECT_EQ(json->at("extra"), 7);
  EXPECT_EQ(json->at("time"), "2023-11-14T22:13:20.000Z");
  EXPECT_NE(std::string(json->at("text").as_string()).find(": too hot"), std::string::npos);
}

TEST_F(NotifierTest, ATargetIsToldOnlyWhatItWants) {
  {
    Notifier notifier;
    auto chosen = recorder({Happening::kTaskFailed});
    chosen.kinds = {model::Kind::kTraining};
    chosen.users = {"ann"};
    notifier.set_targets({chosen});
    notifier.tell(notice(Happening::kDeviceHot, "no"));
    auto failed = notice(Happening::kTaskFailed, "of ann");
    failed.kind = model::Kind::kTraining;
    failed.user = "ann";
    notifier.tell(failed);
    failed.user = "bob";
    notifier.tell(failed);
    failed.user = "ann";
    failed.kind = model::Kind::kCommand;
    notifier.tell(failed);
  }
  const std::string text = told();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_NE(text.find("of ann"), std::string::npos);
}

TEST_F(NotifierTest, WhatFailsIsTriedAgain) {
  NoticeTarget target = recorder();
  // Fails the first time.
  target.command[2] = "test -e " + directory_ + "/once || { touch " + directory_ +
                      "/once; exit 1; }; " + target.command[2];
  Notifier notifier;
  notifier.set_targets({target});
  notifier.tell(notice(Happening::kTaskCompleted, "x"));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (told().empty() && std::chrono::steady_clock::now() < until) ::usleep(20'000);
  EXPECT_NE(told().find("task_completed"), std::string::npos);
}

TEST_F(NotifierTest, ACommandThatHangsIsKilledWithItsChildren) {
  const auto begin = std::chrono::steady_clock::now();
  const auto status =
      run_with_input({"/bin/sh", "-c", "sleep 60; true"}, "x", "e", std::chrono::milliseconds(200));
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("was killed"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST_F(NotifierTest, ACommandThatReadsNothingOrIsNotThereIsNoHarm) {
  const std::string much(4 << 20, 'x');
  EXPECT_TRUE(run_with_input({"/bin/true"}, much, "e", std::chrono::seconds(10)));
  const auto missing = run_with_input({"/no/such/program"}, "x", "e", std::chrono::seconds(10));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
  const auto status = run_with_input({"/bin/false"}, "x", "e", std::chrono::seconds(10));
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("ended with 1"), std::string::npos);
}

}  // namespace
}  // namespace berth::daemon
