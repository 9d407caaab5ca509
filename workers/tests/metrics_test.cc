// SPDX-License-Identifier: Apache-2.0
#include "vision/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace berth::vision {
namespace {

TEST(Softmax, GivesProbabilitiesEvenForHugeScores) {
  const float scores[3] = {1000, 1000, 1000 + std::log(2.0f)};
  float p[3];
  softmax(scores, 3, p);
  EXPECT_NEAR(p[0], 0.25, 1e-4);
  EXPECT_NEAR(p[2], 0.5, 1e-4);
  EXPECT_NEAR(cross_entropy(scores, 3, 0), std::log(4.0), 1e-4);
}

TEST(CrossEntropy, StaysFiniteWhereTheProbabilityUnderflows) {
  const float scores[2] = {0, 500};
  EXPECT_NEAR(cross_entropy(scores, 2, 0), 500, 1e-6);
}

// Worked by hand. Labels 0 0 1 1 2 2; guesses 0 1 1 1 2 0.
//   class 0: precision 1/2, recall 1/2, F1 1/2;  class 1: 2/3, 1, 4/5;  class 2: 1, 1/2, 2/3
TEST(Metrics, AgreeWithAHandComputedCase) {
  MetricsCollector collector(3);
  const float rows[6][3] = {{0.7f, 0.2f, 0.1f}, {0.3f, 0.6f, 0.1f}, {0.2f, 0.5f, 0.3f},
                            {0.1f, 0.8f, 0.1f}, {0.1f, 0.0f, 0.9f}, {0.5f, 0.1f, 0.4f}};
  const int64_t labels[6] = {0, 0, 1, 1, 2, 2};
  for (int i = 0; i < 6; ++i) collector.add(rows[i], labels[i], 0.5 * i);
  const ClassificationMetrics m = collector.compute();
  EXPECT_NEAR(m.loss, 1.25, 1e-12);
  EXPECT_NEAR(m.accuracy, 100.0 * 4 / 6, 1e-9);
  EXPECT_NEAR(m.macro_precision, (0.5 + 2.0 / 3 + 1) / 3, 1e-12);
  EXPECT_NEAR(m.macro_recall, (0.5 + 1 + 0.5) / 3, 1e-12);
  EXPECT_NEAR(m.macro_f1, (0.5 + 0.8 + 2.0 / 3) / 3, 1e-12);
  EXPECT_NEAR(m.micro_f1, 4.0 / 6, 1e-12);
  EXPECT_NEAR(m.micro_precision, 4.0 / 6, 1e-12);
  EXPECT_NEAR(m.micro_recall, 4.0 / 6, 1e-12);
  EXPECT_NEAR(m.top1, 4.0 / 6, 1e-12);
  EXPECT_NEAR(m.top3, 1, 1e-12);
  EXPECT_NEAR(m.top5, 1, 1e-12) << "with fewer than five classes every sample is within five";
  // Class 0 by falling score: .7 yes, .5 no, .3 yes, ... -> (1 + 2/3) / 2. Class 1: .8 yes, .6 no,
  // .5 yes -> (1 + 2/3) / 2. Class 2: .9 yes, .4 yes -> 1.
  EXPECT_NEAR(m.mean_average_precision, 100 * (5.0 / 6 + 5.0 / 6 + 1) / 3, 1e-6);
}

TEST(Metrics, CountTopThreeAndFiveAmongManyClasses) {
  MetricsCollector collector(7);
  const float row[7] = {0.3f, 0.2f, 0.15f, 0.12f, 0.1f, 0.08f, 0.05f};
  for (const int64_t label : {0, 2, 3, 4, 5}) collector.add(row, label, 0);
  const ClassificationMetrics m = collector.compute();
  EXPECT_NEAR(m.top1, 0.2, 1e-12);
  EXPECT_NEAR(m.top3, 0.4, 1e-12);
  EXPECT_NEAR(m.top5, 0.8, 1e-12);
}

TEST(Metrics, TwoClassesHaveTopThreeOfOne) {
  MetricsCollector collector(2);
  const float row[2] = {0.9f, 0.1f};
  collector.add(row, 1, 0);
  const ClassificationMetrics m = collector.compute();
  EXPECT_EQ(m.accuracy, 0);
  EXPECT_EQ(m.top1, 0);
  EXPECT_EQ(m.top3, 1);
  EXPECT_EQ(m.top5, 1);
}

TEST(Metrics, EqualScoresGoToTheFirstClassInEveryMeasure) {
  MetricsCollector collector(4);
  const float row[4] = {0.25f, 0.25f, 0.25f, 0.25f};
  collector.add(row, 0, 0);
  collector.add(row, 3, 0);
  const ClassificationMetrics m = collector.compute();
  EXPECT_EQ(m.accuracy, 50);
  EXPECT_EQ(m.top1, 0.5);
  EXPECT_EQ(m.top3, 0.5);
}

TEST(Metrics, ClassesThatDoNotOccurAreLeftOutOfMeanAveragePrecision) {
  MetricsCollector collector(3);
  const float row[3] = {0.8f, 0.1f, 0.1f};
  collector.add(row, 0, 0);
  EXPECT_EQ(collector.compute().mean_average_precision, 100);
}

TEST(Metrics, AreZeroWithoutSamples) { EXPECT_EQ(MetricsCollector(3).compute().accuracy, 0); }

TEST(AveragePrecision, TreatsEqualScoresAsOneThreshold) {
  EXPECT_NEAR(average_precision({0.5f, 0.5f, 0.5f, 0.5f}, {true, false, false, true}), 0.5, 1e-12);
  EXPECT_NEAR(average_precision({0.9f, 0.5f, 0.1f}, {false, true, true}), 0.5 * 0.5 + 0.5 * 2.0 / 3,
              1e-12);
}

}  // namespace
}  // namespace berth::vision
