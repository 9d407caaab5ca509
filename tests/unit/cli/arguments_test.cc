// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "base/units.h"

namespace berth::cli {
namespace {

using Words = std::vector<std::string>;

struct Wrong {
  Words words;
  std::string says;
};

class WrongArguments : public testing::TestWithParam<Wrong> {};

TEST_P(WrongArguments, end_with_2_and_a_hint) {
  const auto invocation = parse_arguments(GetParam().words);
  EXPECT_FALSE(invocation.verb);
  EXPECT_EQ(invocation.status, 2);
  EXPECT_EQ(invocation.out, "");
  EXPECT_NE(invocation.err.find(GetParam().says), std::string::npos) << invocation.err;
  EXPECT_NE(invocation.err.find("berth"), std::string::npos) << invocation.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongArguments,
    testing::Values(
        Wrong{{}, "berth run"}, Wrong{{"gpsu"}, "did you mean \"berth gpus\"?"},
        Wrong{{"rnu"}, "did you mean \"berth run\"?"}, Wrong{{"frobnicate"}, "berth --help"},
        Wrong{{"detect"}, "not in this version"}, Wrong{{"--bogus"}, "no option --bogus"},
        Wrong{{"gpus", "--jsno"}, "did you mean --json?"}, Wrong{{"gpus", "cuda:0"}, "\"cuda:0\""},
        Wrong{{"run"}, "no command to run"}, Wrong{{"run", "--"}, "no command to run"},
        Wrong{{"run", "--devcie", "cuda:0", "--", "a"}, "did you mean --device?"},
        Wrong{{"run", "--device", "banana", "--", "a"}, "\"banana\" is not a device"},
        Wrong{{"run", "--memory", "8X", "--", "a"}, "\"8X\" is not an amount of memory"},
        Wrong{{"run", "--timeout", "soon", "--", "a"}, "\"soon\" is no duration"},
        Wrong{{"run", "--priority", "11", "--", "a"}, "--priority"},
        Wrong{{"run", "--env", "NOVALUE", "--", "a"}, "is not NAME=VALUE"},
        Wrong{{"run", "--kind", "fun", "--", "a"}, "\"fun\""},
        Wrong{{"run", "--policy", "best", "--", "a"}, "most_free"},
        Wrong{{"run", "--retry", "-1", "--", "a"}, "--retry: Value -1 not in range 0 to 1000"},
        Wrong{{"run", "--retry", "1", "--retry-backoff", "2h", "--", "a"}, "\"2h\" is too long"},
        Wrong{{"run", "--retry", "1", "--retry-backoff", "soon", "--", "a"},
              "--retry-backoff: \"soon\" is no duration"},
        Wrong{{"run", "--retry", "1", "--retry-on", "exit,luck", "--", "a"},
              "--retry-on: \"luck\" is none of exit, out_of_memory"},
        Wrong{{"run", "--retry", "1", "--retry-more-memory", "1.5", "--", "a"}, "write 50%"},
        Wrong{{"run", "--retry", "1", "--retry-more-memory", "901%", "--", "a"}, "900%"},
        Wrong{{"run", "--retry", "1", "--retry-more-memory", "-5%", "--", "a"}, "0% to 900%"},
        Wrong{{"run", "--retry-on", "exit", "--", "a"}, "means nothing without --retry N"},
        Wrong{{"run", "--after", "a,,b", "--", "a"}, "--after: \"a,,b\" has an empty id"},
        Wrong{{"run", "--after-any", "", "--", "a"}, "--after-any"},
        Wrong{{"run", "--fallback", "gpu", "--", "a"}, "only cpu is"},
        Wrong{{"run", "--fallback-after", "5m", "--", "a"}, "without --fallback cpu"},
        Wrong{{"run", "--fallback", "cpu", "--fallback-after", "5y", "--", "a"}, "no duration"},
        Wrong{{"hold"}, "ID is required"}, Wrong{{"release"}, "ID is required"},
        Wrong{{"priority", "1"}, "ID is required"}, Wrong{{"priority", "11", "a"}, "1"},
        Wrong{{"drain", "--list", "cuda:0"}, "--list: stands alone"},
        Wrong{{"drain", "--list", "--reason", "x"}, "--list: stands alone"},
        Wrong{{"resume", "--reason", "x"}, "no option --reason"},
        Wrong{{"pick", "--hold", "soon"}, "--hold: \"soon\" is no duration: write 60s"},
        Wrong{{"pick", "--hold", "8d"}, "\"8d\" is too long"},
        Wrong{{"pick", "--hold", "0s"}, "\"0s\" is too short"},
        Wrong{{"pick", "--pid", "3"}, "--pid: means nothing without --hold TIME"},
        Wrong{{"pick", "--pool", "a"}, "--pool: means nothing without --hold TIME"},
        Wrong{{"leases", "renew"}, "ID is required"}, Wrong{{"leases", "end"}, "ID is required"},
        Wrong{{"leases", "renew", "a", "soon"}, "TIME: \"soon\" is no duration"},
        Wrong{{"leases", "drop", "a"}, "\"drop\""}, Wrong{{"notify"}, "notify: "},
        Wrong{{"notify", "all"}, "notify"},
        Wrong{{"notify", "test", "now"}, "\"now\" is one word too many"},
        Wrong{{"run", "--memory-fraction", "1.5", "--", "a"}, "write 0.5"},
        Wrong{{"run", "--memory-fraction", "half", "--", "a"}, "--memory-fraction: \"half\""},
        Wrong{{"run", "--memory-strategy", "bold", "--", "a"}, "none of conservative, aggressive"},
        Wrong{{"run", "--memory", "1G", "--memory-fraction", "0.5", "--", "a"},
              "--memory-fraction: stands instead of --memory"},
        Wrong{{"run", "--array", "9-", "--", "a"}, "--array: \"9-\" are no indices: write 0-9"},
        Wrong{{"run", "--array", "0-9%0", "--", "a"}, "%4 behind that"},
        Wrong{{"pick", "--format", "xml"}, "\"xml\""}, Wrong{{"show"}, "ID is required"},
        Wrong{{"logs", "x", "--stdout", "--stderr"}, "--stdout"}, Wrong{{"wait"}, "ID is required"},
        Wrong{{"ps", "--limit", "many"}, "--limit"},
        Wrong{{"limits", "set", "cuda:0", "training=-1"}, "whole number"},
        Wrong{{"limits", "set", "cuda:0", "fun=1"}, "\"fun\""},
        Wrong{{"limits", "set", "training=1"}, "before any device"},
        Wrong{{"limits", "set", "cuda:0"}, "nothing to set"},
        Wrong{{"train", "--train", "a"}, "is required"}, Wrong{{"infer"}, "is required"},
        Wrong{{"benchmark", "--weights", "w"}, "is required"},
        Wrong{{"data", "waterfall", "--input", "a"}, "is required"}, Wrong{{"data"}, "required"},
        Wrong{{"data", "split", "--input", "a"}, "is required"},
        Wrong{{"split", "--input", "a", "--output", "b", "--lnik"}, "did you mean --link"},
        Wrong{{"split", "--input", "a", "--output", "b", "--train-ratio", "0.95"}, "0.95"}));

class RightArguments : public testing::TestWithParam<Words> {};

TEST_P(RightArguments, give_a_verb) {
  const auto invocation = parse_arguments(GetParam());
  EXPECT_TRUE(invocation.verb) << invocation.err;
  EXPECT_EQ(invocation.err, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, RightArguments,
    testing::Values(
        Words{"gpus"}, Words{"gpus", "--json", "--watch"},
        Words{"pick", "--count", "2", "--memory", "8G", "--format", "env"}, Words{"run", "--", "a"},
        Words{"run", "a", "--not-ours", "-x"},
        Words{"run", "--device", "cuda:0", "--env", "A=1", "--env", "B=", "python3", "x.py"},
        Words{"run", "--timeout", "5m", "--", "find", ".", "-exec", "rm", "{}", ";"},
        Words{"run", "--retry", "3", "--retry-backoff", "0s", "--retry-more-memory", "25%", "a"},
        Words{"run", "--after", "a,b", "--after", "c", "--after-any", "d", "python3", "x.py"},
        Words{"run", "--fallback", "cpu", "--fallback-after", "10m", "--hold", "--", "a"},
        Words{"run", "--memory-fraction", "0.5", "--", "a"},
        Words{"run", "--memory-strategy", "dynamic", "--array", "1,3,5-7,10-99:10%4", "--", "a"},
        Words{"pick", "--hold", "60s", "--device", "cuda:1", "--pid", "7", "--exclusive", "--pool",
              "a", "--gpu-type", "A100"},
        Words{"leases"}, Words{"leases", "--json"}, Words{"leases", "renew", "a", "5m"},
        Words{"leases", "renew", "a", "--json"}, Words{"leases", "end", "a", "b"},
        Words{"ps", "--user", "ann"}, Words{"hold", "a", "b"}, Words{"release", "a"},
        Words{"priority", "1", "a", "b"}, Words{"drain"}, Words{"drain", "--list"},
        Words{"drain", "cuda:0,cuda:1", "cpu", "--reason", "a new fan", "--json"}, Words{"resume"},
        Words{"resume", "cuda:0"}, Words{"ps", "-a"}, Words{"logs", "x", "-f"},
        Words{"wait", "a", "b"}, Words{"limits"}, Words{"limits", "--json"},
        Words{"limits", "set", "cuda:0", "training=2", "inference=0", "cpu", "training=1"},
        Words{"train", "--train", "a", "--val", "b", "--save", "c", "--no-shuffle",
              "--no-pretrained", "--num-classes", "3"},
        Words{"infer", "--weights", "w", "--source", "s"},
        Words{"benchmark", "--weights", "w", "--data", "d", "--config", "c", "--batch-size", "4"},
        Words{"data", "spectrogram", "--input", "a", "--low-db", "-80", "--no-side-file"},
        Words{"spectrogram", "--input", "a", "--output", "b", "--window", "hann"},
        Words{"data", "waterfall", "--input", "a", "--output", "b.avi", "--fps", "10"},
        Words{"data", "iq-dataset", "--input", "a", "--output", "b", "--format", "ci16"},
        Words{"snr", "--input", "a"}, Words{"data", "awgn", "--input", "a", "--snr-min", "-5"},
        Words{"data", "split", "--input", "a", "--output", "b", "--link"},
        Words{"split", "--input", "a", "--output", "b"},
        Words{"data", "augment", "--input", "a", "--output", "b", "--methods", "CLAHE"},
        Words{"data", "crop", "--input", "a", "--output", "b", "--x", "0", "--y", "0", "--width",
              "1", "--height", "1"},
        Words{"version"}, Words{"doctor"}));

TEST(Arguments, help_goes_to_standard_output_with_0) {
  for (const Words& words : {Words{"--help"}, Words{"help"}, Words{"run", "--help"},
                             Words{"help", "run"}, Words{"limits", "set", "--help"}}) {
    const auto invocation = parse_arguments(words);
    EXPECT_FALSE(invocation.verb);
    EXPECT_EQ(invocation.status, 0);
    EXPECT_NE(invocation.out.find("berth"), std::string::npos);
    EXPECT_EQ(invocation.err, "");
  }
  EXPECT_NE(parse_arguments({"run", "--help"}).out.find("berth run [OPTIONS] -- COMMAND..."),
            std::string::npos);
}

TEST(Arguments, help_of_run_and_wait_tells_their_exit_statuses) {
  for (const char* verb : {"run", "wait"}) {
    const std::string help = parse_arguments({verb, "--help"}).out;
    for (const char* status : {"125", "126", "127", "128+n"})
      EXPECT_NE(help.find(status), std::string::npos) << verb << " " << status;
  }
}

TEST(Arguments, help_offers_only_what_the_daemon_can_do) {
  const std::string train = parse_arguments({"train", "--help"}).out;
  EXPECT_EQ(train.find("vit_b_16"), std::string::npos);
  EXPECT_NE(train.find("berth info"), std::string::npos);
}

TEST(Arguments, amounts_and_durations) {
  EXPECT_EQ(base::parse_bytes("8G")->gib(), 8);
  EXPECT_EQ(base::parse_bytes("512M")->gib(), 0.5);
  EXPECT_EQ(base::parse_bytes("1.5GiB")->gib(), 1.5);
  EXPECT_FALSE(base::parse_bytes("-1"));
  EXPECT_FALSE(base::parse_bytes(""));
  EXPECT_EQ(base::parse_duration("90s"), std::chrono::seconds(90));
  EXPECT_EQ(base::parse_duration("5m"), std::chrono::minutes(5));
  EXPECT_EQ(base::parse_duration("1.5h"), std::chrono::minutes(90));
  EXPECT_FALSE(base::parse_duration("five"));
}

}  // namespace
}  // namespace berth::cli
