// SPDX-License-Identifier: Apache-2.0
// What a checkpoint is: model, classes, picture size. Kept three times, because files get
// separated: in a JSON sidecar beside the weights (best_model.json), in the weights' own metadata,
// and in a config.yaml with the originals' keys.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::vision {

struct ModelCard {
  std::string model;
  std::vector<std::string> class_names;  ///< in the order of the model's outputs
  int image_size = 0;                    ///< side of the square in pixels
  int epoch = 0;                         ///< 0: unknown
};

/// "dir/best_model.safetensors" -> "dir/best_model.json".
std::string sidecar_path(const std::string& weight_path);

/// Writes the sidecar of `weight_path`. `metrics` is the TrainingMetrics object of the epoch.
protocol::Status write_sidecar(const std::string& weight_path, const ModelCard& card,
                               const boost::json::object& metrics);

/// The card as safetensors metadata.
std::map<std::string, std::string> card_metadata(const ModelCard& card);

/// What of a card one source tells; absent fields are not given there.
struct CardSource {
  std::string where;  // for messages: "its sidecar best_model.json"
  std::optional<std::string> model;
  std::optional<std::vector<std::string>> class_names;
  std::optional<int64_t> num_classes;
  std::optional<int64_t> image_size;
};

/// The sidecar of `weight_path`; nothing given if there is none. Error: kBadRequest (malformed).
protocol::Result<CardSource> read_sidecar(const std::string& weight_path);
CardSource read_metadata(const std::map<std::string, std::string>& metadata);
/// A YAML file with the originals' keys; class_names as a list or a map name -> index. Errors:
/// kIoError, kBadRequest (not YAML, or names that are not 0..n-1 each once).
protocol::Result<CardSource> read_config(const std::string& path);

/// For every field the first source that gives it. Errors: kBadRequest naming the missing field
/// (`weight_path` and `tried` for the message), an unknown model, or names and num_classes that do
/// not agree. Class names missing everywhere become "0", "1", ... if the number is known.
protocol::Result<ModelCard> merge_sources(const std::vector<CardSource>& sources,
                                          const std::string& weight_path, const std::string& tried);

/// What config.yaml records beyond the card.
struct TrainingConfig {
  std::string train_path, val_path, save_path, weight_path, device;
  int64_t batch_size = 0, num_epochs = 0;
  bool shuffle = true;
  double learning_rate = 0;
  std::string optimizer = "adam";
};

/// Writes `<save_path>/config.yaml`. Errors: kNoSpace, kIoError.
protocol::Status write_config(const TrainingConfig& config, const ModelCard& card);

}  // namespace berth::vision
