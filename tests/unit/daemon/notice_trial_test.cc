// SPDX-License-Identifier: Apache-2.0
#include "daemon/notice_trial.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "daemon/notifier.h"

namespace berth::daemon {
namespace {

using Deliveries = std::vector<api::NoticeDelivery>;

NoticeTarget command(std::vector<std::string> words) {
  NoticeTarget target;
  target.command = std::move(words);
  return target;
}

class NoticeTrialTest : public ::testing::Test {
 protected:
  NoticeTrialTest() { std::signal(SIGPIPE, SIG_IGN); }
  void begin(std::vector<NoticeTarget> targets) {
    trial.begin(std::move(targets), "here", base::from_ms(0),
                [this](Deliveries deliveries) { answers.push_back(std::move(deliveries)); });
  }
  void wait(std::size_t count) {
    const auto patience = loop.after(std::chrono::seconds(60), [this] { late = true; });
    loop.run_until([&] { return late || answers.size() >= count; });
    ASSERT_FALSE(late);
  }

  Loop loop;
  NoticeTrial trial{loop};
  std::vector<Deliveries> answers;
  bool late = false;
};

TEST_F(NoticeTrialTest, EachTargetGetsATestWhateverItWantsAndItsFateIsTold) {
  auto picky =
      command({"/bin/sh", "-c", "grep -q '\"event\":\"test\"' && test $BERTH_EVENT = test"});
  picky.on = {Happening::kDeviceHot};
  picky.users = {"nobody"};
  NoticeTarget deaf;
  deaf.url = "http://user:word@127.0.0.1:1/secret?token=x";
  begin({picky, command({"/bin/false"}), command({"/no/such/program"}), deaf});
  wait(1);
  ASSERT_EQ(answers[0].size(), 4U);
  EXPECT_EQ(answers[0][0].target, "/bin/sh");
  EXPECT_EQ(answers[0][0].reason, std::nullopt);
  EXPECT_EQ(answers[0][1].reason, "/bin/false ended with 1");
  EXPECT_TRUE(answers[0][2].reason);
  EXPECT_EQ(answers[0][3].target, "http://127.0.0.1:1");
  ASSERT_TRUE(answers[0][3].reason);
  EXPECT_EQ(answers[0][3].reason->find("secret"), std::string::npos) << *answers[0][3].reason;
}

TEST_F(NoticeTrialTest, TargetsAreWaitedForAtTheSameTime) {
  const auto begun = std::chrono::steady_clock::now();
  begin(std::vector<NoticeTarget>(20, command({"/bin/sleep", "1"})));
  wait(1);
  EXPECT_EQ(answers[0].size(), 20U);
  for (const auto& delivery : answers[0]) EXPECT_EQ(delivery.reason, std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST_F(NoticeTrialTest, WhoAsksMeanwhileGetsTheSameAnswerAndNothingIsSentTwice) {
  char name[] = "/tmp/berth-trial-XXXXXX";
  const int file = ::mkstemp(name);
  const auto target = command({"/bin/sh", "-c", "echo x >> " + std::string(name) + "; sleep 0.3"});
  begin({target});
  begin({target});
  wait(2);
  EXPECT_EQ(answers[1].size(), 1U);
  char text[16];
  EXPECT_EQ(::pread(file, text, sizeof text, 0), 2);
  begin({target});
  wait(3);
  EXPECT_EQ(::pread(file, text, sizeof text, 0), 4) << "a round of its own";
  ::close(file);
  ::unlink(name);
}

TEST_F(NoticeTrialTest, WithoutTargetsThereIsNothingToTell) {
  begin({});
  EXPECT_TRUE(answers.empty()) << "never from inside";
  wait(1);
  EXPECT_TRUE(answers[0].empty());
}

TEST_F(NoticeTrialTest, OneThatEndsCallsNobodyBack) {
  bool called = false;
  {
    NoticeTrial brief(loop);
    brief.begin({command({"/bin/true"})}, "here", base::from_ms(0),
                [&](const Deliveries&) { called = true; });
  }
  EXPECT_FALSE(called);
}

TEST(NameOf, IsWhereAUrlLeadsWithoutItsSecrets) {
  const auto name = [](const char* url) {
    NoticeTarget target;
    target.url = url;
    return name_of(target);
  };
  EXPECT_EQ(name("https://chat.example.org/hooks/abc"), "https://chat.example.org");
  EXPECT_EQ(name("https://chat.example.org:8443?token=abc"), "https://chat.example.org:8443");
  EXPECT_EQ(name("http://me:pass@[::1]:80/x@y"), "http://[::1]:80");
  EXPECT_EQ(name("http://host#abc"), "http://host");
}

TEST(CheckProgram, FindsWhatCouldBeRun) {
  EXPECT_TRUE(check_program("/bin/sh"));
  EXPECT_TRUE(check_program("sh")) << "on PATH";
  for (const char* program : {"/no/such/program", "no-such-program", "/etc/passwd", "/tmp", ""})
    EXPECT_FALSE(check_program(program)) << program;
}

}  // namespace
}  // namespace berth::daemon
