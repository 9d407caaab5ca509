// SPDX-License-Identifier: Apache-2.0
// The tensors' side of process_group.h. Throws CommunicationError.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "runtime/process_group.h"

namespace berth::runtime {

/// Begins to make `tensor` (on this rank's device, contiguous) the sum over all ranks. What is
/// returned has to be called once: it waits, on a GPU by letting the current stream wait.
std::function<void()> begin_sum(ProcessGroup& group, const at::Tensor& tensor);

/// The same, waited for.
void sum(ProcessGroup& group, const at::Tensor& tensor);

/// What rank 0 has is copied to all the others.
void broadcast(ProcessGroup& group, const std::vector<at::Tensor>& tensors);

/// The mean over all ranks; floating-point tensors only, others stay as they are.
void average(ProcessGroup& group, const std::vector<at::Tensor>& tensors);

}  // namespace berth::runtime
