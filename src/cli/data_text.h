// SPDX-License-Identifier: Apache-2.0
// Tasks that prepare data sets as text. Pure: from JSON to text.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/screen.h"

namespace berth::cli {

/// What a task counts as ("training", "command"), or what a benchmark or a preparation of data is
/// called.
std::string kind_text(const base::json::object& task);

/// The lines at the end: images, classes, files that failed or were left out, the folder.
/// `task_type`: "dataset_split", "data_augmentation" or "image_crop".
std::string render_data_stats(std::string_view task_type, const base::json::object& stats,
                              const Screen& screen);

}  // namespace berth::cli
