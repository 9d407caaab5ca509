// SPDX-License-Identifier: Apache-2.0
// Reading a task's specification: a JSON object with typed, checked fields.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::protocol {

/// A JSON object with typed access. The first wrong field is remembered, reading goes on with the
/// fallback, and status() tells at the end; absent fields and null count as not given.
class Spec {
 public:
  /// Errors: kIoError (not readable), kBadRequest (not a JSON object).
  static Result<Spec> read(const std::string& path);
  explicit Spec(boost::json::object fields, std::string path = {});

  std::string required_text(const char* name);
  std::optional<std::string> text(const char* name);
  /// A list of strings; absent: empty.
  std::vector<std::string> texts(const char* name);
  int64_t required_integer(const char* name, int64_t least, int64_t most);
  int64_t integer(const char* name, int64_t fallback, int64_t least, int64_t most);
  /// `above` is exclusive: the value must be greater.
  double number(const char* name, double fallback, double above);
  /// From `least` to `most`, both included.
  double number_within(const char* name, double fallback, double least, double most);
  /// A number from `least` to `most`, or nothing.
  std::optional<double> number_within(const char* name, double least, double most);
  bool boolean(const char* name, bool fallback);
  std::optional<bool> maybe_boolean(const char* name);
  /// One of `known`, whose first is the fallback.
  std::string choice(const char* name, const std::vector<std::string>& known);
  /// A list of finite numbers >= 0; absent: empty.
  std::vector<double> numbers(const char* name);
  /// An object inside this one, empty when absent; hand its status() to adopt().
  Spec part(const char* name);
  void adopt(const Spec& part, const char* name);
  bool has(const char* name) const { return find(name) != nullptr; }
  /// Whether there is such a field and it is this text.
  bool is_text(const char* name, const char* text) const;
  /// A finding of the caller's.
  void reject(const std::string& message);

  /// kBadRequest naming the first field that was missing or out of range.
  Status status() const;

 private:
  const boost::json::value* find(const char* name) const;

  boost::json::object fields_;
  std::string path_;
  std::optional<std::string> problem_;
};

/// Parses a JSON object; `origin` names it in messages. Error: kBadRequest.
Result<boost::json::object> parse_object(const std::string& text, const std::string& origin);

}  // namespace berth::protocol
