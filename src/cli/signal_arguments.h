// SPDX-License-Identifier: Apache-2.0
// The words of berth data that are about recordings of radio signals.
#pragma once

#include "cli/verbs.h"

namespace CLI {
class App;
}

namespace berth::cli {

void add_signals(CLI::App* data, DataOptions& to);

}  // namespace berth::cli
