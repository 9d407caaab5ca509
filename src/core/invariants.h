// SPDX-License-Identifier: Apache-2.0
// Re-derives every cross-reference of the state. Run after every step in tests and debug builds.
#pragma once

#include <string>
#include <vector>

#include "core/state.h"

namespace berth::core::invariants {

/// What is broken, in words; empty when all is well.
std::vector<std::string> check(const State& state);

}  // namespace berth::core::invariants
