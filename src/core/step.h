// SPDX-License-Identifier: Apache-2.0
// The scheduler as one pure function: no clock, no I/O, no threads, no randomness, no floating
// point in any ordering. The same inputs at the same times give the same outputs, byte for byte.
//
// admit -> queue -> filter -> score -> reserve -> launch -> observe -> release: the first five in
// step(), launch and observe by the daemon, whose results come back as inputs.
#pragma once

#include <vector>

#include "core/input.h"
#include "core/output.h"

namespace berth::core {

std::vector<Output> step(State& state, const Input& input, Time now);

}  // namespace berth::core
