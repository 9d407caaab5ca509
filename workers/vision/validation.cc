// SPDX-License-Identifier: Apache-2.0
#include "vision/validation.h"

#include <algorithm>

namespace berth::vision {
namespace {

using protocol::Result;
using protocol::Status;

/// One round: a batch for each process. A row per picture: its scores, and whether there are any.
class Round {
 public:
  Round(size_t pictures, size_t classes) : classes_(classes), rows_(pictures * (classes + 1), 0) {}

  void put(size_t picture, const float* scores) {
    float* row = rows_.data() + picture * (classes_ + 1);
    std::copy(scores, scores + classes_, row);
    row[classes_] = 1;
  }

  /// What the others have found is added to it.
  Status exchange(runtime::ProcessGroup* group) {
    return group == nullptr ? Status() : group->sum(&rows_);
  }

  void collect(size_t first, const std::vector<int64_t>& labels, MetricsCollector* to) const {
    for (size_t i = 0; (i + 1) * (classes_ + 1) <= rows_.size(); ++i) {
      const float* row = rows_.data() + i * (classes_ + 1);
      if (row[classes_] != 0) to->add_scores(row, labels[first + i]);
    }
  }

 private:
  size_t classes_;
  std::vector<float> rows_;
};

}  // namespace

Result<ClassificationMetrics> validate(const Validation& what, Network* network,
                                       image::BatchLoader* loader, UnreadablePictures* unreadable) {
  const auto classes = static_cast<size_t>(what.classes);
  const auto rank = static_cast<size_t>(what.group == nullptr ? 0 : what.group->rank());
  const auto ranks = static_cast<size_t>(what.group == nullptr ? 1 : what.group->size());
  int64_t least = what.slice;  // a process that was short of memory takes fewer
  if (what.group != nullptr) {
    auto agreed = what.group->least(what.slice);
    if (!agreed) return forward_error(agreed);
    least = *agreed;
  }
  const auto slice = static_cast<size_t>(least);
  auto batches = image::make_batches(what.pictures.paths.size(), slice, /*shuffle=*/false, 0,
                                     /*merge_single=*/false);
  while (batches.size() % ranks != 0) batches.emplace_back();
  std::vector<std::vector<size_t>> own;
  for (size_t i = rank; i < batches.size(); i += ranks) own.push_back(batches[i]);
  loader->start(std::move(own));
  MetricsCollector collector(classes);
  for (size_t first = 0; auto batch = loader->next(); first += ranks * slice) {
    if (auto noted = unreadable->note(*batch); !noted) return forward_error(noted);
    auto scores = network->predict(*batch);
    if (!scores) return forward_error(scores);
    Round round(std::min(ranks * slice, what.pictures.paths.size() - first), classes);
    for (size_t i = 0; i < batch->indices.size(); ++i)
      round.put(batch->indices[i] - first, scores->data() + i * classes);
    if (auto done = round.exchange(what.group); !done) return forward_error(done);
    round.collect(first, what.pictures.labels, &collector);
    what.tell(static_cast<int64_t>(collector.samples()));
  }
  if (collector.samples() == 0) return unreadable->all(what.folder);
  return collector.compute();
}

}  // namespace berth::vision
