// SPDX-License-Identifier: Apache-2.0
// A shim that is started before its launch is recorded waits for the word to go.
#pragma once

#include <sys/types.h>

namespace berth::shim {

/// True once go_signal() has come. False when the shim is told to end instead, or when `launcher`,
/// which ends with the daemon, is gone: then nobody will say the word. All signals must be blocked.
bool wait_for_go(pid_t launcher);

}  // namespace berth::shim
