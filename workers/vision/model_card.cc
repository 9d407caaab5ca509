// SPDX-License-Identifier: Apache-2.0
#include "vision/model_card.h"

#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "protocol/event_writer.h"
#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "protocol/spec.h"
#include "vision/model_names.h"

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr uint64_t kMostSidecarBytes = 16u << 20;

boost::json::array names_array(const std::vector<std::string>& names) {
  return boost::json::array(names.begin(), names.end());
}

std::optional<std::vector<std::string>> names_from(const boost::json::value& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& name : value.get_array()) {
    if (!name.is_string()) return std::nullopt;
    names.emplace_back(name.get_string().c_str());
  }
  return names;
}

std::optional<int64_t> class_count(const CardSource& source) {
  if (source.class_names) return static_cast<int64_t>(source.class_names->size());
  return source.num_classes;
}

Status contradiction(const std::string& weight_path, const CardSource& one, const CardSource& other,
                     const std::string& says, const std::string& other_says) {
  return failed(ErrorCode::kCheckpointMismatch,
                weight_path + ": " + one.where + " says " + says + ", " + other.where + " says " +
                    other_says + ": one of them belongs to another checkpoint",
                weight_path);
}

// Two descriptions of one checkpoint may lack things, but not contradict each other.
Status agree(const CardSource& one, const CardSource& other, const std::string& weight_path) {
  if (one.model && other.model && *one.model != *other.model)
    return contradiction(weight_path, one, other, *one.model, *other.model);
  const auto classes = class_count(one);
  const auto others = class_count(other);
  if (classes && others && *classes != *others) {
    return contradiction(weight_path, one, other, std::to_string(*classes) + " classes",
                         std::to_string(*others) + " classes");
  }
  return {};
}

template <typename T>
void take(std::optional<T>* into, const std::optional<T>& from) {
  if (!*into) *into = from;
}

}  // namespace

std::string sidecar_path(const std::string& weight_path) {
  const size_t dot = weight_path.find_last_of("./");
  const bool has_extension = dot != std::string::npos && weight_path[dot] == '.';
  return (has_extension ? weight_path.substr(0, dot) : weight_path) + ".json";
}

Status write_sidecar(const std::string& weight_path, const ModelCard& card,
                     const boost::json::object& metrics) {
  const boost::json::object sidecar{
      {"model", card.model},
      {"num_classes", card.class_names.size()},
      {"class_names", names_array(card.class_names)},
      {"image_size", card.image_size},
      {"epoch", card.epoch},
      {"metrics", metrics},
      {"created_at", protocol::iso_time_now()},
      {"berth_version", BERTH_VERSION},
  };
  return protocol::write_file(sidecar_path(weight_path), protocol::json_text(sidecar) + "\n");
}

std::map<std::string, std::string> card_metadata(const ModelCard& card) {
  return {
      {"format", "pt"},  // Asked for by Python readers of safetensors.
      {"berth.model", card.model},
      {"berth.class_names", protocol::json_text(names_array(card.class_names))},
      {"berth.image_size", std::to_string(card.image_size)},
      {"berth.epoch", std::to_string(card.epoch)},
  };
}

Result<CardSource> read_sidecar(const std::string& weight_path) {
  CardSource source;
  const std::string path = sidecar_path(weight_path);
  source.where = "its sidecar " + path;
  if (path == weight_path || ::access(path.c_str(), F_OK) != 0) return source;
  auto text = protocol::read_file(path, kMostSidecarBytes);
  if (!text) return forward_error(text);
  auto fields = protocol::parse_object(*text, path);
  if (!fields) return forward_error(fields);
  if (const auto* names = fields->if_contains("class_names")) {
    source.class_names = names_from(*names);
    if (!source.class_names) {
      return failed(ErrorCode::kBadRequest, path + ": class_names must be a list of strings", path);
    }
  }
  protocol::Spec spec(std::move(*fields), path);
  source.model = spec.text("model");
  const int64_t size = spec.integer("image_size", 0, 0, 1 << 16);
  if (size > 0) source.image_size = size;
  const int64_t classes = spec.integer("num_classes", 0, 0, INT32_MAX);
  if (classes > 0) source.num_classes = classes;
  if (auto fine = spec.status(); !fine) {
    fine.error().message = path + ": " + fine.error().message;
    return forward_error(fine);
  }
  return source;
}

CardSource read_metadata(const std::map<std::string, std::string>& metadata) {
  CardSource source;
  source.where = "the file itself";
  if (const auto found = metadata.find("berth.model"); found != metadata.end()) {
    source.model = found->second;
  }
  if (const auto found = metadata.find("berth.class_names"); found != metadata.end()) {
    boost::json::error_code error;
    const auto value = boost::json::parse(found->second, error);
    if (!error) source.class_names = names_from(value);
  }
  if (const auto found = metadata.find("berth.image_size"); found != metadata.end()) {
    const int size = std::atoi(found->second.c_str());
    if (size > 0) source.image_size = size;
  }
  return source;
}

Result<ModelCard> merge_sources(const std::vector<CardSource>& sources,
                                const std::string& weight_path, const std::string& tried) {
  CardSource all;
  for (auto source = sources.begin(); source != sources.end(); ++source) {
    for (auto other = sources.begin(); other != source; ++other) {
      if (auto same = agree(*other, *source, weight_path); !same) return forward_error(same);
    }
  }
  for (const CardSource& source : sources) {
    // Names and their number belong together: from the first source that gives either.
    if (!all.class_names && !all.num_classes) all.num_classes = source.num_classes;
    take(&all.class_names, source.class_names);
    take(&all.model, source.model);
    take(&all.image_size, source.image_size);
  }
  const auto lacking = [&](const char* field) {
    return failed(ErrorCode::kBadRequest,
                  std::string(field) + " of " + weight_path + " is not known: looked in " + tried +
                      "; give a cfg_path whose YAML has it",
                  weight_path);
  };
  if (!all.model) return lacking("model");
  if (!all.image_size || *all.image_size < 1) return lacking("image_size");
  if (!all.class_names && !all.num_classes) return lacking("class_names");
  if (auto known = check_model_name(*all.model); !known) return forward_error(known);
  ModelCard card;
  card.model = *all.model;
  card.image_size = static_cast<int>(*all.image_size);
  if (all.class_names) {
    card.class_names = *all.class_names;
  } else {
    for (int64_t i = 0; i < *all.num_classes; ++i) card.class_names.push_back(std::to_string(i));
  }
  const auto count = static_cast<int64_t>(card.class_names.size());
  if (count == 0) return lacking("class_names");
  if (all.num_classes && *all.num_classes != count) {
    return failed(ErrorCode::kBadRequest,
                  "num_classes is " + std::to_string(*all.num_classes) + " but class_names has " +
                      std::to_string(count) + " names (" + tried + ")",
                  weight_path);
  }
  return card;
}

}  // namespace berth::vision
