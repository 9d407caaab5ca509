// SPDX-License-Identifier: Apache-2.0
// A classifier's parameters and buffers to and from files.
#pragma once

#include <map>
#include <string>

#include "protocol/result.h"

namespace berth::vision {

class Classifier;

/// What to do when the file's last layer is for another number of classes.
enum class HeadRule {
  kMustMatch,  ///< an error, as for every other tensor
  kMayDiffer,  ///< the model keeps its own, freshly initialised one
};

/// Writes every parameter and buffer, in float32 as it is trained. Errors: as write_safetensors.
/// Throws what torch throws.
protocol::Status save_weights(const Classifier& model, const std::string& path,
                              const std::map<std::string, std::string>& metadata);

/// Copies the file's tensors into the model; true if the head was left out. Other float types are
/// converted; batch counters ("num_batches_tracked") may be missing. Error kCheckpointMismatch
/// names the first tensors that are missing, unexpected or of another shape; then nothing was
/// changed. Throws what torch throws.
protocol::Result<bool> load_weights(Classifier* model, const std::string& path, HeadRule rule);

}  // namespace berth::vision
