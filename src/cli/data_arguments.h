// SPDX-License-Identifier: Apache-2.0
// The words of berth data.
#pragma once

#include "cli/arguments.h"
#include "cli/verbs.h"

namespace CLI {
class App;
}

namespace berth::cli {

/// What every part of it takes: priority, name, id, how its end is shown.
void add_common_of_data(CLI::App* verb, DataOptions& to);

void add_data(CLI::App& app, DataOptions& to, Invocation& result);

}  // namespace berth::cli
