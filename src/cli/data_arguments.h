// SPDX-License-Identifier: Apache-2.0
// The words of berth data.
#pragma once

#include "cli/arguments.h"
#include "cli/verbs.h"

namespace CLI {
class App;
}

namespace berth::cli {

void add_data(CLI::App& app, DataOptions& to, Invocation& result);

}  // namespace berth::cli
