// SPDX-License-Identifier: Apache-2.0
#include "sim/summary.h"

#include <gtest/gtest.h>

#include "sim/report.h"

namespace berth::sim {
namespace {

TEST(Summary, PercentilesAreValuesThatOccurred) {
  std::vector<double> values;
  for (int i = 1; i <= 200; ++i) values.push_back(i);
  EXPECT_EQ(percentile(values, 50), 100);
  EXPECT_EQ(percentile(values, 95), 190);
  EXPECT_EQ(percentile(values, 99), 198);
  EXPECT_EQ(percentile({7}, 99), 7);
  EXPECT_EQ(percentile({}, 50), 0);
}

TEST(Summary, JainsIndexIsOneForEqualSharesAndOneNthForOneWhoHasAll) {
  EXPECT_DOUBLE_EQ(jain_index({3, 3, 3}), 1);
  EXPECT_DOUBLE_EQ(jain_index({1, 0, 0, 0}), 0.25);
  EXPECT_DOUBLE_EQ(jain_index({1, 2}), 0.9);
  EXPECT_DOUBLE_EQ(jain_index({}), 1);
}

TEST(Summary, SlowdownOfShortTasksIsBounded) {
  EXPECT_DOUBLE_EQ(slowdown_of(0, 1), 1);
  EXPECT_DOUBLE_EQ(slowdown_of(99, 1), 10);
  EXPECT_DOUBLE_EQ(slowdown_of(100, 100), 2);
}

TEST(Report, TimesAreReadable) {
  EXPECT_EQ(span(0), "0");
  EXPECT_EQ(span(0.25), "0.25 s");
  EXPECT_EQ(span(90), "90.0 s");
  EXPECT_EQ(span(600), "10.0 min");
  EXPECT_EQ(span(3 * 3600), "3.0 h");
  EXPECT_EQ(span(10 * 86'400), "10.0 d");
}

TEST(Report, TableHasALinePerPolicy) {
  Summary summary;
  summary.tasks = 3;
  const std::string text =
      table({{model::Policy::kBalanced, summary}, {model::Policy::kPack, summary}});
  EXPECT_NE(text.find("\nbalanced "), std::string::npos);
  EXPECT_NE(text.find("\npack "), std::string::npos);
}

}  // namespace
}  // namespace berth::sim
