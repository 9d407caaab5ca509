// SPDX-License-Identifier: Apache-2.0
// What is known of weights that somebody wants to use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/result.h"
#include "vision/model_card.h"

namespace berth::vision {

struct KnownWeights {
  ModelCard card;
  std::optional<int64_t> head_hidden;  ///< ModelOptions::head_hidden
};

/// From the sidecar, the file's own metadata, the YAML at `cfg_path` (empty: none) and the shapes
/// of the tensors. Errors: those of CheckpointFile, of read_config and of merge_sources.
protocol::Result<KnownWeights> look_at_weights(const std::string& weight_path,
                                               const std::string& cfg_path);

}  // namespace berth::vision
