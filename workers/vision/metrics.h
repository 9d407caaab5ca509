// SPDX-License-Identifier: Apache-2.0
// Quality of a classifier over a whole data set, from class probabilities and true labels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace berth::vision {

/// How well one class is told from the others; all fractions 0..1.
struct ClassMetrics {
  double precision = 0, recall = 0, f1 = 0;
  double average_precision = 0;  ///< 0 where the class does not occur
  int64_t support = 0;           ///< samples of the class
};

/// Units as in the originals' TrainingMetrics: accuracy and mean_average_precision in percent, the
/// rest as fractions 0..1. Classes without a sample or without a prediction count as 0 in the macro
/// averages of precision, recall and F1 (the usual "zero division gives 0").
struct ClassificationMetrics {
  double loss = 0;      ///< mean cross-entropy in nats
  double accuracy = 0;  ///< %
  double macro_precision = 0, macro_recall = 0, macro_f1 = 0;
  double micro_precision = 0, micro_recall = 0, micro_f1 = 0;
  double mean_average_precision = 0;  ///< %, mean over the classes that occur
  double top1 = 0, top2 = 0, top3 = 0, top5 = 0;
  std::vector<ClassMetrics> classes;
  std::vector<std::vector<int64_t>> confusion;  ///< [true class][predicted class] samples
};

/// Collects samples, then computes once.
class MetricsCollector {
 public:
  explicit MetricsCollector(size_t num_classes);

  /// `probabilities`: num_classes values. 0 <= label < num_classes.
  void add(const float* probabilities, int64_t label, double loss);

  /// The same from class scores (logits), num_classes values.
  void add_scores(const float* scores, int64_t label);

  size_t samples() const { return labels_.size(); }

  /// All zero without samples.
  ClassificationMetrics compute() const;

 private:
  double average_precision(size_t class_index) const;

  size_t num_classes_;
  std::vector<float> probabilities_;  // samples x classes
  std::vector<int64_t> labels_;
  double loss_sum_ = 0;
};

/// Class scores (logits) to probabilities, computed in double precision; `count` values each.
void softmax(const float* scores, size_t count, float* probabilities);

/// -log of the probability that softmax gives to `label`, in nats; finite for finite scores.
double cross_entropy(const float* scores, size_t count, size_t label);

/// The index of the greatest of `count` values, the first of equals.
size_t arg_max(const float* values, size_t count);

/// Area under the precision-recall curve as the sum of precision times the step in recall, equal
/// scores counting as one threshold (average precision without interpolation). `positive` and
/// `score` have one entry per sample. Needs at least one positive.
double average_precision(const std::vector<float>& score, const std::vector<bool>& positive);

}  // namespace berth::vision
