// SPDX-License-Identifier: Apache-2.0
// A shim that is started before its launch is recorded waits for the word to go, and so does the task's main process,
// which is there by then, for the shim's.
#pragma once

#include <sys/types.h>

namespace berth::shim {

/// True once go_signal() has come. False when we are told to end instead, or when `from`, our parent, is gone: then
/// nobody will say the word. All signals must be blocked.
bool wait_for_go(pid_t from);

}  // namespace berth::shim
