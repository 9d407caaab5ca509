// SPDX-License-Identifier: Apache-2.0
#include "sim/options.h"

#include <gtest/gtest.h>

namespace berth::sim {
namespace {

TEST(Options, AreRead) {
  const auto read =
      read_options({"--devices", "10000", "--tasks=1000000", "--policy", "pack,spread", "--load",
                    "0.9", "--failure-every", "30d", "--json"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->devices, 10'000);
  EXPECT_EQ(read->demand.tasks, 1'000'000);
  EXPECT_EQ(read->policies, (std::vector{model::Policy::kPack, model::Policy::kSpread}));
  EXPECT_DOUBLE_EQ(read->demand.load, 0.9);
  EXPECT_EQ(read->conditions.mean_time_to_failure, std::chrono::hours(24 * 30));
  EXPECT_TRUE(read->json);
  EXPECT_EQ(read_options({"--policy", "all"})->policies.size(), 6U);
  EXPECT_EQ(read_options({"--help"})->what, Options::What::kHelp);
}

TEST(Options, WhatIsWrongIsRefused) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--devices", "0"},
                                             {"--devices", "10001"},
                                             {"--devices"},
                                             {"--tasks", "-1"},
                                             {"--load", "0"},
                                             {"--load", "nan"},
                                             {"--load", "x"},
                                             {"--load", ""},
                                             {"--cycle", "1.5"},
                                             {"--policy", "best"},
                                             {"--policy", ""},
                                             {"--profile", "none"},
                                             {"--repair", "soon"},
                                             {"--sample", "0"},
                                             {"--what"},
                                             {"file"}}) {
    EXPECT_FALSE(read_options(arguments)) << arguments.front();
  }
}

TEST(Options, EveryOneIsInTheUsage) {
  for (const std::string_view name :
       {"--fleet",   "--devices",       "--foreign",  "--failure-every", "--repair",
        "--profile", "--tasks",         "--largest",  "--load",          "--cycle",
        "--seed",    "--snapshot",      "--duration", "--policy",        "--sample",
        "--warm-up", "--starved-after", "--json",     "--timing",        "--jobs"}) {
    EXPECT_NE(usage().find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace berth::sim
