// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"
#include "cli/samples.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

TEST(Notify, says_who_took_the_test_and_ends_with_1_when_one_did_not) {
  StubDaemon daemon;
  const std::string good =
      R"({"target":"https://chat.example.org","delivered":true,"reason":null,"seconds":0.12})";
  const std::string bad =
      R"({"target":"/bin/false","delivered":false,"reason":"/bin/false ended with 1","seconds":0.005})";
  auto& answer = daemon.answers["POST /api/v2/notifications/test"];
  answer = R"({"targets":[)" + good + "]}";
  Ran ran = berth({"notify", "test"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "✓ https://chat.example.org\n  delivered in 0.12 s\n");
  answer = R"({"targets":[)" + good + "," + bad + "]}";
  ran = berth({"notify", "test"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_TRUE(
      ran.out.ends_with("✗ /bin/false\n  not delivered: /bin/false ended with 1, after 0.01 s\n"))
      << ran.out;
  ran = berth({"notify", "test", "--json"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.out, answer + "\n");
  daemon.answers.clear();
  ran = berth({"notify", "test"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_EQ(ran.out, "");
}

}  // namespace
}  // namespace berth::cli
