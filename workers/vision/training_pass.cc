// SPDX-License-Identifier: Apache-2.0
#include "vision/training_pass.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "vision/wording.h"

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;
using Clock = std::chrono::steady_clock;

constexpr auto kTickPeriod = std::chrono::milliseconds(200);

}  // namespace

Result<EpochOutcome> TrainingPass::run(int64_t epoch, BatchSizes* sizes,
                                       const std::function<void(double)>& tell) {
  const auto begin = Clock::now();
  epoch_ = epoch;
  const TrainSpec& spec = p_.spec;
  // A last batch of one picture would break batch normalisation: it joins the one before.
  auto batches = image::make_batches(
      p_.data.train.paths.size(), static_cast<size_t>(sizes->update), spec.shuffle,
      spec.learner.seed * 1'000'003 + static_cast<uint64_t>(epoch), /*merge_single=*/true);
  const double updates = static_cast<double>(batches.size());
  if (p_.group != nullptr) {
    batches = image::share_of(batches, static_cast<size_t>(p_.group->rank()),
                              static_cast<size_t>(p_.group->size()));
  }
  p_.loader.start(std::move(batches));
  if (auto ready = p_.network.begin_epoch(epoch); !ready) return forward_error(ready);
  p_.network.reset_totals();
  EpochOutcome outcome;
  auto last_look = begin;
  double update = 0;
  while (auto batch = p_.loader.next()) {
    if (auto noted = p_.unreadable.note(*batch); !noted) return forward_error(noted);
    outcome.learning_rate =
        learning_rate_at(spec.schedule, static_cast<double>(epoch - 1) + ++update / updates);
    if (auto done = step(*batch, outcome.learning_rate, sizes); !done) return forward_error(done);
    outcome.pictures += static_cast<int64_t>(batch->indices.size());
    // Asking a GPU for its sums waits for it, so that is done only when progress is due.
    if (Clock::now() - last_look < kTickPeriod) continue;
    last_look = Clock::now();
    if (auto sums = own_totals(); !sums) return forward_error(sums);
    tell(update / updates);
  }
  auto sums = all_totals(&outcome.pictures);
  if (!sums) return forward_error(sums);
  if (outcome.pictures == 0) return p_.unreadable.all(spec.train_path);
  outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  outcome.loss = sums->loss_sum / sums->weight;
  outcome.accuracy =
      100.0 * static_cast<double>(sums->correct) / static_cast<double>(sums->samples);
  tell(1);
  return outcome;
}

/// Where memory runs out, fewer pictures at a time make the same update.
Status TrainingPass::step(const image::Batch& batch, double learning_rate, BatchSizes* sizes) {
  std::vector<int64_t> labels;
  for (const size_t index : batch.indices) labels.push_back(p_.data.train.labels[index]);
  // Unreadable pictures can leave one, from which batch normalisation cannot learn.
  if (labels.size() == 1 && sizes->update > 1) labels.clear();
  if (labels.empty() && p_.group == nullptr) return {};
  while (true) {
    auto done = p_.network.train_step(batch, labels, sizes->slice, learning_rate);
    if (done) return done;
    const auto used = std::min(sizes->slice, static_cast<int64_t>(labels.size()));
    if (done.error().code != ErrorCode::kOutOfMemory || used <= 2) return done;
    sizes->slice = (used + 1) / 2;
    p_.events.warning(
        format("out of memory on %s with %lld images at a time: going on with %lld; an update is "
               "still made from %lld",
               device_.c_str(), static_cast<long long>(used), static_cast<long long>(sizes->slice),
               static_cast<long long>(sizes->update)));
  }
}

Result<TrainingTotals> TrainingPass::own_totals() const {
  auto sums = p_.network.totals();
  if (!sums) return sums;
  return checked(*sums);
}

/// Those of all processes; `pictures` becomes the sum, too.
Result<TrainingTotals> TrainingPass::all_totals(int64_t* pictures) {
  auto own = p_.network.totals();
  if (!own) return own;
  if (p_.group != nullptr) {
    std::vector<double> all{own->loss_sum, own->weight, static_cast<double>(own->correct),
                            static_cast<double>(own->samples), static_cast<double>(*pictures)};
    if (auto summed = p_.group->sum(&all); !summed) return forward_error(summed);
    *own = {all[0], all[1], static_cast<int64_t>(all[2]), static_cast<int64_t>(all[3])};
    *pictures = static_cast<int64_t>(all[4]);
    if (auto told = share_unreadable(); !told) return forward_error(told);
  }
  return checked(*own);
}

Status TrainingPass::share_unreadable() {
  std::vector<std::string> all = p_.data.train.paths;
  all.insert(all.end(), p_.data.val.paths.begin(), p_.data.val.paths.end());
  return p_.unreadable.share(all, p_.group);
}

Result<TrainingTotals> TrainingPass::checked(const TrainingTotals& sums) const {
  if (!std::isfinite(sums.loss_sum)) {
    return failed(ErrorCode::kDiverged,
                  format("training diverged: the loss is not a number any more in epoch %lld "
                         "(learning rate %g): use a smaller learning_rate",
                         static_cast<long long>(epoch_), p_.spec.schedule.learning_rate));
  }
  return sums;
}

}  // namespace berth::vision
