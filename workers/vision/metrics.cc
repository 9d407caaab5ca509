// SPDX-License-Identifier: Apache-2.0
#include "vision/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace berth::vision {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double f1(double precision, double recall) {
  return ratio(2 * precision * recall, precision + recall);
}

/// How many classes come before `label` when sorted by falling probability, equals by index.
size_t rank_of(const float* values, size_t count, size_t label) {
  size_t rank = 0;
  for (size_t c = 0; c < count; ++c) {
    if (values[c] > values[label] || (values[c] == values[label] && c < label)) ++rank;
  }
  return rank;
}

}  // namespace

void softmax(const float* scores, size_t count, float* probabilities) {
  const double top = *std::max_element(scores, scores + count);
  double sum = 0;
  for (size_t c = 0; c < count; ++c) sum += std::exp(scores[c] - top);
  for (size_t c = 0; c < count; ++c) {
    probabilities[c] = static_cast<float>(std::exp(scores[c] - top) / sum);
  }
}

double cross_entropy(const float* scores, size_t count, size_t label) {
  const double top = *std::max_element(scores, scores + count);
  double sum = 0;
  for (size_t c = 0; c < count; ++c) sum += std::exp(scores[c] - top);
  return std::log(sum) + top - scores[label];
}

size_t arg_max(const float* values, size_t count) {
  return static_cast<size_t>(std::max_element(values, values + count) - values);
}

double average_precision(const std::vector<float>& score, const std::vector<bool>& positive) {
  std::vector<size_t> order(score.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return score[a] > score[b]; });
  const double positives = static_cast<double>(std::count(positive.begin(), positive.end(), true));
  double area = 0, found = 0, recall = 0;
  for (size_t i = 0; i < order.size();) {
    const float threshold = score[order[i]];
    for (; i < order.size() && score[order[i]] == threshold; ++i) found += positive[order[i]];
    const double next_recall = found / positives;
    area += found / static_cast<double>(i) * (next_recall - recall);
    recall = next_recall;
  }
  return area;
}

MetricsCollector::MetricsCollector(size_t num_classes) : num_classes_(num_classes) {}

void MetricsCollector::add(const float* probabilities, int64_t label, double loss) {
  probabilities_.insert(probabilities_.end(), probabilities, probabilities + num_classes_);
  labels_.push_back(label);
  loss_sum_ += loss;
}

void MetricsCollector::add_scores(const float* scores, int64_t label) {
  std::vector<float> probabilities(num_classes_);
  softmax(scores, num_classes_, probabilities.data());
  add(probabilities.data(), label, cross_entropy(scores, num_classes_, static_cast<size_t>(label)));
}

double MetricsCollector::average_precision(size_t class_index) const {
  std::vector<float> score(samples());
  std::vector<bool> positive(samples());
  for (size_t i = 0; i < samples(); ++i) {
    score[i] = probabilities_[i * num_classes_ + class_index];
    positive[i] = static_cast<size_t>(labels_[i]) == class_index;
  }
  return vision::average_precision(score, positive);
}

ClassificationMetrics MetricsCollector::compute() const {
  ClassificationMetrics result;
  if (labels_.empty()) return result;
  std::vector<double> hits(num_classes_), predicted(num_classes_), actual(num_classes_);
  double in_top[4] = {0, 0, 0, 0};
  result.classes.resize(num_classes_);
  result.confusion.assign(num_classes_, std::vector<int64_t>(num_classes_, 0));
  constexpr size_t kTop[4] = {1, 2, 3, 5};
  for (size_t i = 0; i < samples(); ++i) {
    const float* row = probabilities_.data() + i * num_classes_;
    const size_t label = static_cast<size_t>(labels_[i]);
    const size_t guess = arg_max(row, num_classes_);
    ++predicted[guess];
    ++actual[label];
    ++result.confusion[label][guess];
    if (guess == label) ++hits[label];
    const size_t rank = rank_of(row, num_classes_, label);
    // With fewer than k classes every sample is within the first k.
    for (int k = 0; k < 4; ++k) in_top[k] += rank < kTop[k];
  }
  const double count = static_cast<double>(samples());
  const double classes = static_cast<double>(num_classes_);
  double occurring = 0;
  for (size_t c = 0; c < num_classes_; ++c) {
    const double precision = ratio(hits[c], predicted[c]);
    const double recall = ratio(hits[c], actual[c]);
    result.macro_precision += precision / classes;
    result.macro_recall += recall / classes;
    result.macro_f1 += f1(precision, recall) / classes;
    ClassMetrics& own = result.classes[c];
    own = {precision, recall, f1(precision, recall), 0, static_cast<int64_t>(actual[c])};
    if (actual[c] > 0) {
      own.average_precision = average_precision(c);
      result.mean_average_precision += 100 * own.average_precision;
      ++occurring;
    }
  }
  result.mean_average_precision = ratio(result.mean_average_precision, occurring);
  const double all_hits = std::accumulate(hits.begin(), hits.end(), 0.0);
  // With one label and one guess per sample the micro averages all equal the accuracy.
  result.micro_precision = all_hits / count;
  result.micro_recall = all_hits / count;
  result.micro_f1 = f1(result.micro_precision, result.micro_recall);
  result.accuracy = 100 * all_hits / count;
  result.loss = loss_sum_ / count;
  result.top1 = in_top[0] / count;
  result.top2 = in_top[1] / count;
  result.top3 = in_top[2] / count;
  result.top5 = in_top[3] / count;
  return result;
}

}  // namespace berth::vision
