// SPDX-License-Identifier: Apache-2.0
// Weights from one file format and number format to another.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_file.h"
#include "checkpoint/tensor.h"

namespace berth::checkpoint {

enum class TargetFormat { kSafetensors, kTorch };

struct Conversion {
  TargetFormat format = TargetFormat::kSafetensors;
  std::optional<Dtype> dtype;  ///< F32, F16 or BF16 for all floating-point tensors; nothing: as is
};

/// What was written.
struct Converted {
  size_t tensors = 0, converted = 0;  ///< all, and those whose dtype changed
  uint64_t bytes = 0;                 ///< of tensors
  uint64_t overflowed = 0;  ///< finite numbers that became infinite in the narrower format
  std::vector<std::string> lost_metadata;  ///< keys that the format has no place for
};

/// Metadata goes along into safetensors, with format = pt if PyTorch wrote the file.
/// The floating-point tensors are rounded to nearest even, others are kept. The file appears whole
/// or not at all. Errors: kNoSpace, kIoError, kOutOfMemory.
protocol::Result<Converted> convert(const CheckpointFile& file, const std::string& out,
                                    const Conversion& conversion);

/// What a training writes beside its weights, from the metadata of such weights: for a format that
/// has no place for metadata. Nothing where there is none of Berth's.
std::optional<boost::json::object> sidecar_of(const std::map<std::string, std::string>& metadata);

}  // namespace berth::checkpoint
