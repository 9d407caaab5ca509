// SPDX-License-Identifier: Apache-2.0
// Reading a JSON body field by field, as the originals' schemas do (pydantic 2): every violation is
// collected and the answer is 422 with `detail[]` of {type, loc, msg, input, ctx?}.
// Lenient as they are: numeric strings count as numbers, 8.0 as an integer, "yes"/"true"/1 as true;
// unknown fields are ignored, but on our own routes (refuse_others).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "http/request.h"

namespace berth::api {

class Fields {
 public:
  /// `body` must be a JSON object; otherwise valid() is false from the start.
  explicit Fields(const std::string& body);
  /// An object inside a body; `loc` leads to it, {"body", "max_concurrent", "cuda:0"}.
  Fields(base::json::object object, base::json::array loc)
      : object_(std::move(object)), loc_(std::move(loc)) {}

  [[nodiscard]] bool valid() const { return detail_.empty(); }
  /// 422 with everything that was wrong.
  [[nodiscard]] http::Response refusal() const;
  [[nodiscard]] const base::json::object& body() const { return object_; }

  std::string string(std::string_view name);                                 // required
  std::string string_or(std::string_view name, std::string_view otherwise);  // null is refused
  std::string nullable_string(std::string_view name);                        // null and absent: ""
  std::optional<std::int64_t> maybe_integer(std::string_view name,
                                            std::optional<std::int64_t> least = {},
                                            std::optional<std::int64_t> most = {});
  std::int64_t integer(std::string_view name, std::optional<std::int64_t> least = {},
                       std::optional<std::int64_t> most = {});  // required
  std::int64_t integer_or(std::string_view name, std::int64_t otherwise,
                          std::optional<std::int64_t> least = {},
                          std::optional<std::int64_t> most = {});
  /// Finite, greater than 0 and less than `below`; absent and null: std::nullopt.
  std::optional<double> maybe_positive(std::string_view name, double below);
  /// From `least` to `most`; absent and null: std::nullopt.
  std::optional<double> maybe_number(std::string_view name, double least, double most);
  double number_or(std::string_view name, double otherwise,
                   std::optional<double> greater_than = {});
  bool boolean_or(std::string_view name, bool otherwise);
  std::vector<std::string> strings(std::string_view name);               // required
  std::map<std::string, std::string> string_map(std::string_view name);  // absent: empty

  /// A violation found by the caller.
  void refuse(std::string_view type, std::string_view name, std::string_view message,
              base::json::object context = {});
  /// Every field that is not among `known`: on a route of ours alone a misspelt one is better
  /// refused than ignored.
  void refuse_others(std::span<const std::string_view> known);
  /// The violations of an object inside this one.
  void merge(const Fields& part);

 private:
  const base::json::value* find(std::string_view name) const;
  void add(std::string_view type, std::string_view name, std::string_view message,
           base::json::value input, base::json::object context = {});
  std::optional<std::int64_t> to_integer(std::string_view name, const base::json::value& value);
  std::optional<double> to_number(std::string_view name, const base::json::value& value);
  bool in_range(std::string_view name, std::int64_t number, std::optional<std::int64_t> least,
                std::optional<std::int64_t> most, const base::json::value& input);

  [[nodiscard]] base::json::array loc(std::string_view name) const;
  bool clean(const std::string& text, const base::json::array& where);

  base::json::object object_;
  base::json::array loc_{"body"};
  base::json::array detail_;
};

/// What is wrong with a word that is none of `known`.
std::string one_of(std::span<const std::string_view> known);

/// Values of the query string; every violation is collected, as in Fields.
class Query {
 public:
  explicit Query(const http::Request& request) : request_(request) {}
  std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t least,
                       std::int64_t most);
  /// One of `known`; the first where there is none.
  std::string_view choice(std::string_view name, std::span<const std::string_view> known);
  [[nodiscard]] bool valid() const { return detail_.empty(); }
  [[nodiscard]] http::Response refusal() const;

 private:
  const http::Request& request_;
  base::json::array detail_;
};

http::Response json_response(const base::json::value& body, int status = 200);

}  // namespace berth::api
