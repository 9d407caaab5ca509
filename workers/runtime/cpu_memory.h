// SPDX-License-Identifier: Apache-2.0
// A limit for what torch's tensors take of the machine's memory, as there is one for a GPU's: a
// step that needs more ends with out of memory, which can be dealt with, and not with the process.
#pragma once

#include <cstdint>

namespace berth::runtime {

/// From now on all tensors on the CPU together take at most `bytes` (0: no limit); more throws
/// c10::OutOfMemoryError. What libraries below torch take for themselves is not counted. Tensors
/// from before the first call are not counted either.
void limit_cpu_memory(uint64_t bytes);

/// Bytes that the machine could still give to this process without swapping; 0: unknown.
uint64_t available_cpu_memory();

}  // namespace berth::runtime
