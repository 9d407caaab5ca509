// SPDX-License-Identifier: Apache-2.0
// The options of the verbs for built-in tasks.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/arguments.h"
#include "cli/verbs.h"

namespace berth::cli {

void add_train(CLI::App& app, TrainOptions& options, Invocation& result);
void add_infer(CLI::App& app, InferOptions& options, Invocation& result);
void add_benchmark(CLI::App& app, InferOptions& options, Invocation& result);

}  // namespace berth::cli
