// SPDX-License-Identifier: Apache-2.0
#include "protocol/spec.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "protocol/json_text.h"
#include "protocol/output_file.h"

namespace berth::protocol {
namespace {

constexpr uint64_t kMostBytes = 64u << 20;

std::optional<int64_t> whole_number(const boost::json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) {
    const double number = value.get_double();
    if (std::abs(number) < 9e15 && number == std::floor(number)) {
      return static_cast<int64_t>(number);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<boost::json::object> parse_object(const std::string& text, const std::string& origin) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  if (error) {
    return failed(ErrorCode::kBadRequest, origin + " is not JSON: " + error.message(), origin);
  }
  if (!value.is_object()) {
    return failed(ErrorCode::kBadRequest, origin + " must hold a JSON object", origin);
  }
  return std::move(value.get_object());
}

Result<Spec> Spec::read(const std::string& path) {
  auto text = read_file(path, kMostBytes);
  if (!text) return forward_error(text);
  auto fields = parse_object(*text, path);
  if (!fields) return forward_error(fields);
  return Spec(std::move(*fields), path);
}

Spec::Spec(boost::json::object fields, std::string path)
    : fields_(std::move(fields)), path_(std::move(path)) {}

const boost::json::value* Spec::find(const char* name) const {
  const boost::json::value* value = fields_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Spec::reject(const std::string& message) {
  if (!problem_) problem_ = message;
}

Status Spec::status() const {
  if (problem_) return failed(ErrorCode::kBadRequest, "task specification: " + *problem_, path_);
  return {};
}

std::string Spec::required_text(const char* name) {
  auto value = text(name);
  if (!value || value->empty()) {
    reject(std::string("\"") + name + "\" is missing: a non-empty string is needed");
    return {};
  }
  return *value;
}

std::optional<std::string> Spec::text(const char* name) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    reject(std::string("\"") + name + "\" must be a string, not " + boost::json::serialize(*value));
    return std::nullopt;
  }
  return std::string(value->get_string().c_str());
}

std::vector<std::string> Spec::texts(const char* name) {
  std::vector<std::string> all;
  const boost::json::value* value = find(name);
  if (value == nullptr) return all;
  bool fine = value->is_array();
  if (fine) {
    for (const boost::json::value& item : value->get_array()) {
      fine = fine && item.is_string();
      if (fine) all.emplace_back(item.get_string().c_str());
    }
  }
  if (!fine) {
    reject(std::string("\"") + name + "\" must be a list of strings, not " +
           boost::json::serialize(*value));
  }
  return all;
}

int64_t Spec::required_integer(const char* name, int64_t least, int64_t most) {
  if (find(name) == nullptr) {
    reject(std::string("\"") + name + "\" is missing: an integer is needed");
    return least;
  }
  return integer(name, least, least, most);
}

int64_t Spec::integer(const char* name, int64_t fallback, int64_t least, int64_t most) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return fallback;
  const auto number = whole_number(*value);
  if (!number || *number < least || *number > most) {
    reject(std::string("\"") + name + "\" is " + boost::json::serialize(*value) +
           "; it must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return fallback;
  }
  return *number;
}

double Spec::number(const char* name, double fallback, double above) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return fallback;
  boost::json::error_code error;
  const double number = value->to_number<double>(error);
  if (error || !std::isfinite(number) || number <= above) {
    reject(std::string("\"") + name + "\" is " + boost::json::serialize(*value) +
           "; it must be a number greater than " + std::to_string(above));
    return fallback;
  }
  return number;
}

std::optional<double> Spec::number_within(const char* name, double least, double most) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  boost::json::error_code error;
  const double number = value->to_number<double>(error);
  if (error || !(number >= least && number <= most)) {
    reject(std::string("\"") + name + "\" is " + json_text(*value) + "; it must be a number from " +
           json_text(least) + " to " + json_text(most));
    return std::nullopt;
  }
  return number;
}

bool Spec::boolean(const char* name, bool fallback) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return fallback;
  if (!value->is_bool()) {
    reject(std::string("\"") + name + "\" must be true or false, not " +
           boost::json::serialize(*value));
    return fallback;
  }
  return value->get_bool();
}

std::optional<bool> Spec::maybe_boolean(const char* name) {
  if (find(name) == nullptr) return std::nullopt;
  return boolean(name, false);
}

double Spec::number_within(const char* name, double fallback, double least, double most) {
  return number_within(name, least, most).value_or(fallback);
}

std::string Spec::choice(const char* name, const std::vector<std::string>& known) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return known.front();
  std::string names;
  for (const std::string& text : known) {
    if (value->is_string() && text == value->get_string().c_str()) return text;
    names += (names.empty() ? "" : ", ") + text;
  }
  reject(std::string("\"") + name + "\" is " + boost::json::serialize(*value) +
         "; it must be one of " + names);
  return known.front();
}

std::vector<double> Spec::numbers(const char* name) {
  const boost::json::value* value = find(name);
  std::vector<double> all;
  bool fine = value == nullptr || value->is_array();
  if (value != nullptr && fine) {
    for (const auto& item : value->get_array()) {
      boost::json::error_code error;
      const double number = item.to_number<double>(error);
      fine = fine && !error && std::isfinite(number) && number >= 0;
      all.push_back(number);
    }
  }
  if (!fine) {
    reject(std::string("\"") + name + "\" must be a list of numbers from 0, not " +
           boost::json::serialize(*value));
  }
  return fine ? all : std::vector<double>();
}

Spec Spec::part(const char* name) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return Spec({}, path_);
  if (value->is_object()) return Spec(value->get_object(), path_);
  reject(std::string("\"") + name + "\" must be an object, not " + boost::json::serialize(*value));
  return Spec({}, path_);
}

void Spec::adopt(const Spec& part, const char* name) {
  if (part.problem_) reject(std::string(name) + ": " + *part.problem_);
}

bool Spec::is_text(const char* name, const char* text) const {
  const boost::json::value* value = find(name);
  return value != nullptr && value->is_string() && value->get_string() == text;
}

}  // namespace berth::protocol
