// SPDX-License-Identifier: Apache-2.0
// What a worker process needs before it computes: OpenMP threads that sleep while they wait, memory
// that is not handed back and forth, a number of threads. Knows nothing of torch.
#pragma once

#include <cstdint>
#include <optional>

namespace berth::runtime {

/// Makes OpenMP threads wait passively: spinning ones make LibTorch up to 50 times slower on a busy
/// machine. A spin of some microseconds (GOMP_SPINCOUNT) is left, which bridges the gaps between
/// layers. libgomp reads OMP_WAIT_POLICY when it is loaded, so where it is unset this sets both and
/// replaces the process by itself, once. Returns only if nothing had to be (or could be) done.
void ensure_passive_openmp(char** argv);

/// Keeps freed memory in the process: every training step frees and takes the same large blocks,
/// and giving them back to the system each time costs up to a tenth of the time in page faults.
void keep_freed_memory();

/// Threads to compute with: `wanted`, else BERTH_THREADS, else OMP_NUM_THREADS, else the CPUs that
/// this process may run on. At least 1.
int thread_count(std::optional<int64_t> wanted);

/// BERTH_MEMORY_LIMIT in bytes, if set to a positive number.
std::optional<uint64_t> memory_limit();

}  // namespace berth::runtime
