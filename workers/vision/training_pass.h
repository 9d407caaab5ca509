// SPDX-License-Identifier: Apache-2.0
// One pass over the training set after another: batches, updates, sums.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "image/batch_loader.h"
#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "runtime/process_group.h"
#include "vision/epoch_metrics.h"
#include "vision/network.h"
#include "vision/train_spec.h"
#include "vision/training_data.h"
#include "vision/unreadable.h"

namespace berth::vision {

/// How many pictures go where.
struct BatchSizes {
  int64_t slice = 0;   ///< in this process's model at a time
  int64_t update = 0;  ///< make an update, in all processes
};

class TrainingPass {
 public:
  /// All must live longer; `group` may be null, `unreadable` is told what cannot be read.
  struct Parts {
    const TrainSpec& spec;
    const TrainingData& data;
    Network& network;
    image::BatchLoader& loader;  ///< of data.train
    runtime::ProcessGroup* group;
    UnreadablePictures& unreadable;
    protocol::EventWriter& events;
  };

  TrainingPass(const Parts& parts, std::string device) : p_(parts), device_(std::move(device)) {}

  /// `sizes.slice` gets smaller where memory runs out. `tell` is called now and then with the share
  /// of the pass that is done. In a group the outcome is that of all processes. Errors: kDiverged,
  /// kBadImage where no picture can be read, those of Network.
  protocol::Result<EpochOutcome> run(int64_t epoch, BatchSizes* sizes,
                                     const std::function<void(double)>& tell);

  /// All processes then know what each could not read.
  protocol::Status share_unreadable();

 private:
  protocol::Status step(const image::Batch& batch, double learning_rate, BatchSizes* sizes);
  protocol::Result<TrainingTotals> own_totals() const;
  protocol::Result<TrainingTotals> all_totals(int64_t* pictures);
  protocol::Result<TrainingTotals> checked(const TrainingTotals& sums) const;

  Parts p_;
  std::string device_;
  int64_t epoch_ = 0;
};

}  // namespace berth::vision
