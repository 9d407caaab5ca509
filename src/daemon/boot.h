// SPDX-License-Identifier: Apache-2.0
// Whether the machine was restarted since the daemon last ran. A task that is to run but has left
// no trace was then perhaps running nevertheless: what it wrote last may be lost with the power. It
// must not be started a second time.
#pragma once

#include <string>

namespace berth::daemon {

/// Compares this boot with the one noted in the state directory, and notes this one.
bool note_boot(const std::string& state_dir);

}  // namespace berth::daemon
