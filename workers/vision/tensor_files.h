// SPDX-License-Identifier: Apache-2.0
// Tensors to and from files.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "checkpoint/tensor.h"
#include "protocol/result.h"

namespace berth::vision {

/// Row-major whatever memory format the device prefers. A path that ends in .pth or .pt gets what
/// PyTorch reads, which has no place for the metadata; any other one safetensors. Errors: as
/// write_safetensors. Throws what torch throws.
protocol::Status write_tensors(const std::string& path,
                               const std::map<std::string, at::Tensor>& tensors,
                               const std::map<std::string, std::string>& metadata);

/// The bytes of the view as they are, or a copy where they are not aligned.
at::Tensor as_tensor(const checkpoint::TensorView& view);

}  // namespace berth::vision
