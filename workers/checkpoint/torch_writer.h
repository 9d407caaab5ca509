// SPDX-License-Identifier: Apache-2.0
// Writes a state_dict as torch.save does, so that torch.load reads it, with weights_only too.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/tensor.h"
#include "protocol/result.h"

namespace berth::checkpoint {

/// The file holds an OrderedDict of dense tensors on the CPU, in the given order, and nothing else,
/// as the originals' .pth files do; every tensor has a storage of its own. Whole or not at all.
/// Errors: kNoSpace, kIoError, kInternal (two tensors of one name, a wrong size).
protocol::Status write_torch(const std::string& path, const std::vector<TensorView>& tensors);

}  // namespace berth::checkpoint
