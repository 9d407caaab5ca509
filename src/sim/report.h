// SPDX-License-Identifier: Apache-2.0
// The summaries of several runs side by side.
#pragma once

#include <string>
#include <vector>

#include "sim/options.h"
#include "sim/summary.h"

namespace berth::sim {

struct Row {
  model::Policy policy;
  Summary summary;
};

/// One line per policy, columns aligned, and below it what was the same for all.
std::string table(const std::vector<Row>& rows);

base::json::object to_json(const Options& options, const Fleet& fleet,
                           const std::vector<Row>& rows);

/// "12 s", "3.5 min", "2.1 h", "4.0 d"; "0" for nothing.
std::string span(double seconds);

}  // namespace berth::sim
