// SPDX-License-Identifier: Apache-2.0
#include "daemon/yaml_json.h"

#include <cmath>

#include "daemon/config_reader.h"

namespace berth::daemon {

namespace {

constexpr int kDeepest = 100;

base::json::value scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return base::json::value(text);  // quoted
  std::int64_t whole = 0;
  double number = 0;
  bool truth = false;
  if (YAML::convert<std::int64_t>::decode(node, whole)) return whole;
  if (YAML::convert<double>::decode(node, number) && std::isfinite(number)) return number;
  if (YAML::convert<bool>::decode(node, truth)) return truth;
  return base::json::value(text);
}

base::json::value converted(const YAML::Node& node, int depth) {
  if (depth > kDeepest) throw YAML::Exception(node.Mark(), "too deep");
  if (node.IsSequence()) {
    base::json::array list;
    for (const auto& item : node) list.push_back(converted(item, depth + 1));
    return list;
  }
  if (node.IsMap()) {
    base::json::object object;
    for (const auto& entry : node)
      object[entry.first.Scalar()] = converted(entry.second, depth + 1);
    return object;
  }
  return node.IsScalar() ? scalar(node) : base::json::value(nullptr);
}

}  // namespace

base::Result<base::json::value> yaml_as_json(const std::string& text) {
  try {
    return converted(YAML::Load(text), 0);
  } catch (const YAML::Exception& error) {
    return base::fail(base::ErrorCode::kBadRequest, error.what());
  }
}

}  // namespace berth::daemon
