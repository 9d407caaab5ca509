// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/arguments.h"
#include "cli/verbs.h"

namespace CLI {
class App;
}

namespace berth::cli {

/// `berth run`: what is parsed goes to `to`, which must outlive the verb in `result`.
void add_run(CLI::App& app, RunOptions& to, Invocation& result);

}  // namespace berth::cli
