// SPDX-License-Identifier: Apache-2.0
#include "vision/known_weights.h"

#include <vector>

#include "checkpoint/architecture.h"
#include "checkpoint/checkpoint_file.h"

namespace berth::vision {

using protocol::Result;

Result<KnownWeights> look_at_weights(const std::string& weight_path, const std::string& cfg_path) {
  std::vector<CardSource> sources;
  auto file = checkpoint::CheckpointFile::open(weight_path);
  if (!file) return forward_error(file);
  auto sidecar = read_sidecar(weight_path);
  if (!sidecar) return forward_error(sidecar);
  sources.push_back(std::move(*sidecar));
  sources.push_back(read_metadata(file->metadata()));
  std::string tried = sidecar_path(weight_path) + ", the weights' metadata";
  if (!cfg_path.empty()) {
    auto config = read_config(cfg_path);
    if (!config) return forward_error(config);
    sources.push_back(std::move(*config));
    tried += ", " + cfg_path;
  }
  const checkpoint::Architecture shape = checkpoint::guess_architecture(file->tensors());
  if (shape.name != "unknown") {
    CardSource weights;
    weights.where = "the shape of its tensors";
    weights.model = shape.name;
    weights.num_classes = shape.classes;
    weights.image_size = shape.image_size;
    sources.push_back(std::move(weights));
    tried += ", the shape of its tensors";
  }
  auto card = merge_sources(sources, weight_path, tried);
  if (!card) return forward_error(card);
  return KnownWeights{std::move(*card), shape.hidden};
}

}  // namespace berth::vision
