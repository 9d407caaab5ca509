// SPDX-License-Identifier: Apache-2.0
#include "vision/epoch_metrics.h"

#include "protocol/event_writer.h"

namespace berth::vision {

using protocol::finite_or_null;

boost::json::object training_metrics(int64_t epoch, int64_t total_epochs,
                                     const EpochOutcome& trained, const ClassificationMetrics& val,
                                     double best_accuracy) {
  return {{"epoch", epoch},
          {"total_epochs", total_epochs},
          {"train_loss", finite_or_null(trained.loss)},
          {"train_acc", trained.accuracy},
          {"val_loss", finite_or_null(val.loss)},
          {"val_acc", val.accuracy},
          {"macro_f1", val.macro_f1},
          {"micro_f1", val.micro_f1},
          {"mAP", val.mean_average_precision},
          {"top1_acc", val.top1},
          {"top3_acc", val.top3},
          {"top5_acc", val.top5},
          {"macro_precision", val.macro_precision},
          {"macro_recall", val.macro_recall},
          {"micro_precision", val.micro_precision},
          {"micro_recall", val.micro_recall},
          {"precision", val.macro_precision},
          {"recall", val.macro_recall},
          {"learning_rate", trained.learning_rate},
          {"best_acc", best_accuracy}};
}

}  // namespace berth::vision
