// SPDX-License-Identifier: Apache-2.0
#include "api/json_schema.h"

#include <algorithm>

#include "base/text.h"

namespace berth::api::test {

using base::json::array;
using base::json::object;
using base::json::value;

namespace {

bool is_type(const value& item, std::string_view type) {
  if (type == "null") return item.is_null();
  if (type == "boolean") return item.is_bool();
  if (type == "integer") return item.is_int64() || item.is_uint64();
  if (type == "number") return item.is_number();
  if (type == "string") return item.is_string();
  if (type == "array") return item.is_array();
  return type == "object" && item.is_object();
}

bool is_any_type(const value& item, const value& types) {
  if (types.is_string()) return is_type(item, types.as_string());
  const array& all = types.as_array();
  return std::any_of(all.begin(), all.end(),
                     [&](const value& type) { return is_type(item, type.as_string()); });
}

class Check {
 public:
  explicit Check(const value& document) : document_(document) {}

  void run(const value& schema_value, const value& item, const std::string& where) {
    const object& schema = schema_value.as_object();
    if (const auto* reference = schema.if_contains("$ref")) {
      const value* target = follow(document_, reference->as_string());
      if (target == nullptr) return add(where, "a reference that leads nowhere");
      run(*target, item, where);
    }
    const auto* types = schema.if_contains("type");
    if (types != nullptr && !is_any_type(item, *types)) {
      return add(where, base::to_text(item) + " is not of type " + base::to_text(*types));
    }
    words(schema, item, where);
    if (const auto* choices = schema.if_contains("anyOf")) any_of(choices->as_array(), item, where);
    if (item.is_object()) fields(schema, item.as_object(), where);
    const auto* items = schema.if_contains("items");
    if (item.is_array() && items != nullptr) {
      std::size_t index = 0;
      for (const auto& each : item.as_array()) {
        run(*items, each, where + "[" + std::to_string(index++) + "]");
      }
    }
  }

  std::vector<std::string> found;

 private:
  void add(const std::string& where, const std::string& what) {
    found.push_back(where + ": " + what);
  }

  void words(const object& schema, const value& item, const std::string& where) {
    if (const auto* only = schema.if_contains("const"); only != nullptr && *only != item) {
      add(where, base::to_text(item) + " is not " + base::to_text(*only));
    }
    if (const auto* allowed = schema.if_contains("enum")) {
      const array& all = allowed->as_array();
      if (std::find(all.begin(), all.end(), item) == all.end()) {
        add(where, base::to_text(item) + " is none of " + base::to_text(*allowed));
      }
    }
    if (!item.is_number()) return;
    const double number = item.to_number<double>();
    const auto* least = schema.if_contains("minimum");
    const auto* most = schema.if_contains("maximum");
    if ((least != nullptr && number < least->to_number<double>()) ||
        (most != nullptr && number > most->to_number<double>())) {
      add(where, base::to_text(item) + " is out of bounds");
    }
  }

  void any_of(const array& choices, const value& item, const std::string& where) {
    for (const auto& choice : choices) {
      if (mismatches(document_, choice, item, where).empty()) return;
    }
    add(where, base::to_text(item) + " matches no choice");
  }

  void fields(const object& schema, const object& item, const std::string& where) {
    if (const auto* required = schema.if_contains("required")) {
      for (const auto& name : required->as_array()) {
        if (!item.contains(name.as_string())) add(where, base::to_text(name) + " is missing");
      }
    }
    const auto* properties = schema.if_contains("properties");
    const auto* others = schema.if_contains("additionalProperties");
    for (const auto& entry : item) {
      const std::string place = where + "." + std::string(entry.key());
      const auto* known =
          properties != nullptr ? properties->as_object().if_contains(entry.key()) : nullptr;
      if (known != nullptr) {
        run(*known, entry.value(), place);
      } else if (others != nullptr && others->is_object()) {
        run(*others, entry.value(), place);
      } else if (properties != nullptr) {
        add(place, "is not in the schema");
      }
    }
  }

  const value& document_;
};

}  // namespace

const value* follow(const value& document, std::string_view reference) {
  if (!reference.starts_with("#/")) return nullptr;
  const value* at = &document;
  for (const auto& part : base::split(reference.substr(2), '/')) {
    if (!at->is_object()) return nullptr;
    at = at->as_object().if_contains(part);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::vector<std::string> mismatches(const value& document, const value& schema, const value& value,
                                    const std::string& where) {
  Check check(document);
  check.run(schema, value, where);
  return check.found;
}

}  // namespace berth::api::test
