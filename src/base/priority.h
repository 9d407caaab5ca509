// SPDX-License-Identifier: Apache-2.0
// A daemon that waits for a core behind the tasks it supervises serves nobody: what supervises goes
// before what works.
#pragma once

namespace berth::base {

/// Nice value of this process when raise_priority() was called, else as it is now.
int usual_nice();

/// Gives the calling thread, and those and the processes that it makes from now on, a nice value
/// five lower. False without the right to.
bool raise_priority();

/// Back to the usual, for the calling thread.
void usual_priority();

}  // namespace berth::base
