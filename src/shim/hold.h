// SPDX-License-Identifier: Apache-2.0
// The main process of a task whose shim is held (launcher.h) is there before the word to go, and
// waits for its shim to pass it on.
#pragma once

#include <sys/types.h>

namespace berth::shim {

/// True once go_signal() has come. False when we are told to end instead, or when `shim`, our
/// parent, is gone. All signals must be blocked.
bool wait_for_shim(pid_t shim);

}  // namespace berth::shim
