// SPDX-License-Identifier: Apache-2.0
// Torch as a worker uses it: threads, device, memory limit, and a look at whether the linear
// algebra library is a fast one. Free of torch headers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::runtime {

/// Sets torch up for this process and settles the device: BERTH_DEVICE if set, else `wanted`
/// ("cpu", "cuda", "cuda:N", "auto" or empty). A device of the environment that is not usable is an
/// error (kBadRequest); one that was merely wanted gives way to the CPU with a warning. Warns if
/// matrix products are far slower than they should be.
/// Returns the device's torch name, "cpu" or "cuda:N".
protocol::Result<std::string> start_torch(const std::string& wanted, int threads,
                                          protocol::EventWriter* events);

/// Only operations that give the same bits each time, where torch knows them. Slower on a GPU.
void be_deterministic();

/// CUDA devices that this process sees; 0 without CUDA. May start the CUDA driver.
int cuda_devices();

/// Whether the device ("cpu", "cuda:N") has instructions for bf16: GPUs since compute capability
/// 8.0, x86 processors with AVX512-BF16. Without them it is emulated, many times slower than fp32.
bool computes_bf16(const std::string& device);

/// Measures a matrix product on the CPU, in GFLOP/s (the best of three).
double measure_matmul_gflops();

/// Runs `step` and turns whatever it throws into an Error: kOutOfMemory for failed allocations on
/// any device, kInternal for the rest, with `doing` in front of the message.
protocol::Status guarded(const std::string& doing, const std::function<protocol::Status()>& step);

/// What `berth-worker-vision info` tells of the LibTorch in use.
struct TorchFacts {
  std::string version;
  bool cuda_built = false;
  std::optional<std::string> cuda_version;  ///< absent: no CUDA in this build
};
TorchFacts torch_facts();

}  // namespace berth::runtime
