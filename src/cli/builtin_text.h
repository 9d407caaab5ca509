// SPDX-License-Identifier: Apache-2.0
// Trainings and inferences as text. Pure: from TaskResponses and results to text.
#pragma once

#include <string>

#include "base/json.h"
#include "base/time.h"
#include "cli/screen.h"

namespace berth::cli {

/// The line that is drawn again on a terminal: a bar, the epoch, the metrics that fit, the time
/// left.
std::string progress_line(const base::json::object& task, base::Time now, const Screen& screen);

/// One line per finished epoch, for pipes and for the terminal above the bar; empty before the
/// first validation: "epoch  3/10  loss 0.4120, val 0.5011  acc 87.50%, val 86.10%  best 88.00%".
std::string epoch_line(const base::json::object& task);

/// How a task ended that did not complete: "failed: ...", "cancelled".
std::string ending(const base::json::object& task);

/// The last line of a training: what came out and where it is.
std::string training_summary(const base::json::object& task, const Screen& screen);

/// The first `rows` predictions as a table, then the totals: images, speed, classes, failures,
/// file.
std::string render_predictions(const base::json::object& result, const std::string& result_path,
                               std::size_t rows, const Screen& screen);

/// A benchmark: a line per group, by their ratios; then the totals and the file.
std::string render_benchmark(const base::json::object& result, const Screen& screen);

}  // namespace berth::cli
