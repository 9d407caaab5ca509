// SPDX-License-Identifier: Apache-2.0
// The YAML of the originals (origins.md 2.2). yaml-cpp's exceptions end in this file.
#include <yaml-cpp/yaml.h>

#include "protocol/output_file.h"
#include "vision/model_card.h"

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr uint64_t kMostConfigBytes = 16u << 20;

/// A list of names, or a map name -> index with every index 0..n-1 once; else nothing.
std::optional<std::vector<std::string>> names_from(const YAML::Node& node) {
  std::vector<std::string> names(node.size());
  if (node.IsSequence()) {
    for (size_t i = 0; i < node.size(); ++i) names[i] = node[i].as<std::string>();
    return names;
  }
  if (!node.IsMap()) return std::nullopt;
  std::vector<bool> taken(node.size(), false);
  for (const auto& entry : node) {
    const int64_t index = entry.second.as<int64_t>();
    if (index < 0 || index >= static_cast<int64_t>(names.size()) ||
        taken[static_cast<size_t>(index)]) {
      return std::nullopt;
    }
    taken[static_cast<size_t>(index)] = true;
    names[static_cast<size_t>(index)] = entry.first.as<std::string>();
  }
  return names;
}

}  // namespace

Result<CardSource> read_config(const std::string& path) {
  auto text = protocol::read_file(path, kMostConfigBytes);
  if (!text) return forward_error(text);
  try {
    const YAML::Node root = YAML::Load(*text);
    if (!root.IsMap()) {
      return failed(ErrorCode::kBadRequest, path + " must be a YAML map of settings", path);
    }
    CardSource source;
    source.where = "the configuration " + path;
    if (const auto node = root["model"]; node && node.IsScalar()) {
      source.model = node.as<std::string>();
    }
    if (const auto node = root["image_size"]; node && node.IsScalar()) {
      source.image_size = node.as<int64_t>();
    }
    if (const auto node = root["num_classes"]; node && node.IsScalar()) {
      source.num_classes = node.as<int64_t>();
    }
    if (const auto node = root["class_names"]; node && !node.IsNull()) {
      source.class_names = names_from(node);
      if (!source.class_names) {
        return failed(ErrorCode::kBadRequest,
                      path +
                          ": class_names must be a list of names or a map name: index with "
                          "every index from 0 once",
                      path);
      }
    }
    return source;
  } catch (const YAML::Exception& error) {
    return failed(ErrorCode::kBadRequest, path + ": " + error.what(), path);
  }
}

Status write_config(const TrainingConfig& config, const ModelCard& card) {
  const std::string path = config.save_path + "/config.yaml";
  try {
    YAML::Emitter out;
    out << YAML::BeginMap;
    out << YAML::Key << "train" << YAML::Value << config.train_path;
    out << YAML::Key << "val" << YAML::Value << config.val_path;
    out << YAML::Key << "save_path" << YAML::Value << config.save_path;
    out << YAML::Key << "model" << YAML::Value << card.model;
    // The originals' word for "no weights to start from".
    out << YAML::Key << "weights" << YAML::Value
        << (config.weight_path.empty() ? "None" : config.weight_path);
    out << YAML::Key << "batch_size" << YAML::Value << config.batch_size;
    out << YAML::Key << "image_size" << YAML::Value << card.image_size;
    out << YAML::Key << "num_classes" << YAML::Value << card.class_names.size();
    out << YAML::Key << "class_names" << YAML::Value << YAML::BeginMap;
    for (size_t i = 0; i < card.class_names.size(); ++i) {
      out << YAML::Key << YAML::DoubleQuoted << card.class_names[i] << YAML::Value << i;
    }
    out << YAML::EndMap;
    out << YAML::Key << "device" << YAML::Value << config.device;
    out << YAML::Key << "num_epochs" << YAML::Value << config.num_epochs;
    out << YAML::Key << "shuffle" << YAML::Value << config.shuffle;
    out << YAML::Key << "lr" << YAML::Value << config.learning_rate;
    out << YAML::Key << "optimizer" << YAML::Value << config.optimizer;
    out << YAML::EndMap;
    return protocol::write_file(path, std::string(out.c_str()) + "\n");
  } catch (const YAML::Exception& error) {
    return failed(ErrorCode::kInternal, path + ": " + error.what(), path);
  }
}

}  // namespace berth::vision
