// SPDX-License-Identifier: Apache-2.0
#include "api/schema.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object violation(std::string_view type, array loc, std::string_view message, value input, object context) {
  object entry{{"type", type}, {"loc", std::move(loc)}, {"msg", message}, {"input", std::move(input)}};
  if (!context.empty()) entry["ctx"] = std::move(context);
  return entry;
}

http::Response unprocessable(array detail) {
  return json_response(object{{"detail", std::move(detail)}}, base::row(base::ErrorCode::kSchemaViolation).http_status);
}

}  // namespace

http::Response json_response(const value& body, int status) {
  http::Response response;
  response.status = status;
  response.body = base::to_text(body);
  return response;
}

Fields::Fields(const std::string& body) {
  auto parsed = base::parse_json(body);
  if (!parsed) {
    detail_.push_back(violation("json_invalid", {"body", 0}, "JSON decode error", object{},
                                {{"error", parsed.error().message}}));
  } else if (!parsed->is_object()) {
    detail_.push_back(violation("model_attributes_type", {"body"},
                                "Input should be a valid dictionary or object to extract fields from", *parsed, {}));
  } else {
    object_ = std::move(parsed->as_object());
  }
}

http::Response Fields::refusal() const { return unprocessable(detail_); }

const value* Fields::find(std::string_view name) const { return object_.if_contains(name); }

void Fields::add(std::string_view type, std::string_view name, std::string_view message, value input,
                 object context) {
  detail_.push_back(violation(type, {"body", name}, message, std::move(input), std::move(context)));
}

void Fields::refuse(std::string_view type, std::string_view name, std::string_view message) {
  const value* input = find(name);
  add(type, name, message, input != nullptr ? *input : value(nullptr));
}

std::string Fields::string(std::string_view name) {
  const value* found = find(name);
  if (found == nullptr) {
    add("missing", name, "Field required", object_);
    return {};
  }
  return string_or(name, "");
}

std::string Fields::string_or(std::string_view name, std::string_view otherwise) {
  const value* found = find(name);
  if (found == nullptr) return std::string(otherwise);
  if (!found->is_string()) {
    add("string_type", name, "Input should be a valid string", *found);
    return {};
  }
  return std::string(found->as_string());
}

std::string Fields::nullable_string(std::string_view name) {
  const value* found = find(name);
  return found == nullptr || found->is_null() ? std::string() : string_or(name, "");
}

std::optional<std::int64_t> Fields::to_integer(std::string_view name, const value& input) {
  if (input.is_int64()) return input.as_int64();
  if (input.is_bool()) return input.as_bool() ? 1 : 0;
  if (input.is_double()) {
    const double number = input.as_double();
    if (std::abs(number) < 9e15 && std::nearbyint(number) == number) return static_cast<std::int64_t>(number);
    add("int_from_float", name, "Input should be a valid integer, got a number with a fractional part", input);
    return std::nullopt;
  }
  if (input.is_string()) {
    const std::string text(base::trim(input.as_string()));
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && code == std::errc{} && end == text.data() + text.size()) return number;
    add("int_parsing", name, "Input should be a valid integer, unable to parse string as an integer", input);
    return std::nullopt;
  }
  add("int_type", name, "Input should be a valid integer", input);
  return std::nullopt;
}

bool Fields::in_range(std::string_view name, std::int64_t number, std::optional<std::int64_t> least,
                      std::optional<std::int64_t> most, const value& input) {
  if (least && number < *least) {
    add("greater_than_equal", name, "Input should be greater than or equal to " + std::to_string(*least), input,
        {{"ge", *least}});
    return false;
  }
  if (most && number > *most) {
    add("less_than_equal", name, "Input should be less than or equal to " + std::to_string(*most), input,
        {{"le", *most}});
    return false;
  }
  return true;
}

std::optional<std::int64_t> Fields::maybe_integer(std::string_view name, std::optional<std::int64_t> least,
                                                  std::optional<std::int64_t> most) {
  const value* found = find(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  const auto number = to_integer(name, *found);
  if (number && !in_range(name, *number, least, most, *found)) return std::nullopt;
  return number;
}

std::int64_t Fields::integer(std::string_view name, std::optional<std::int64_t> least,
                             std::optional<std::int64_t> most) {
  const value* found = find(name);
  if (found == nullptr) {
    add("missing", name, "Field required", object_);
    return 0;
  }
  return integer_or(name, 0, least, most);
}

std::int64_t Fields::integer_or(std::string_view name, std::int64_t otherwise, std::optional<std::int64_t> least,
                                std::optional<std::int64_t> most) {
  const value* found = find(name);
  if (found == nullptr) return otherwise;
  const auto number = to_integer(name, *found);
  if (!number || !in_range(name, *number, least, most, *found)) return otherwise;
  return *number;
}

std::optional<double> Fields::to_number(std::string_view name, const value& input) {
  if (input.is_double()) return input.as_double();
  if (input.is_int64()) return static_cast<double>(input.as_int64());
  if (input.is_uint64()) return static_cast<double>(input.as_uint64());
  if (input.is_string()) {
    const std::string text(base::trim(input.as_string()));
    double number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && code == std::errc{} && end == text.data() + text.size()) return number;
    add("float_parsing", name, "Input should be a valid number, unable to parse string as a number", input);
    return std::nullopt;
  }
  add("float_type", name, "Input should be a valid number", input);
  return std::nullopt;
}

std::optional<double> Fields::maybe_number(std::string_view name) {
  const value* found = find(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  return to_number(name, *found);
}

double Fields::number_or(std::string_view name, double otherwise, std::optional<double> greater_than) {
  const value* found = find(name);
  if (found == nullptr) return otherwise;
  const auto number = to_number(name, *found);
  if (!number) return otherwise;
  if (greater_than && !(*number > *greater_than)) {
    add("greater_than", name, "Input should be greater than " + base::to_text(value(*greater_than)), *found,
        {{"gt", *greater_than}});
    return otherwise;
  }
  return *number;
}

bool Fields::boolean_or(std::string_view name, bool otherwise) {
  const value* found = find(name);
  if (found == nullptr) return otherwise;
  if (found->is_bool()) return found->as_bool();
  if (found->is_int64() && (found->as_int64() == 0 || found->as_int64() == 1)) return found->as_int64() == 1;
  if (found->is_string()) {
    const std::string text = base::lower(found->as_string());
    for (const char* yes : {"true", "yes", "on", "1", "t", "y"}) {
      if (text == yes) return true;
    }
    for (const char* no : {"false", "no", "off", "0", "f", "n"}) {
      if (text == no) return false;
    }
    add("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", *found);
    return otherwise;
  }
  add("bool_type", name, "Input should be a valid boolean", *found);
  return otherwise;
}

std::vector<std::string> Fields::strings(std::string_view name) {
  std::vector<std::string> result;
  const value* found = find(name);
  if (found == nullptr) {
    add("missing", name, "Field required", object_);
    return result;
  }
  if (!found->is_array()) {
    add("list_type", name, "Input should be a valid list", *found);
    return result;
  }
  std::int64_t index = 0;
  for (const value& item : found->as_array()) {
    if (item.is_string()) {
      result.emplace_back(item.as_string());
    } else {
      detail_.push_back(
          violation("string_type", {"body", name, index}, "Input should be a valid string", item, {}));
    }
    ++index;
  }
  return result;
}

std::map<std::string, std::string> Fields::string_map(std::string_view name) {
  std::map<std::string, std::string> result;
  const value* found = find(name);
  if (found == nullptr || found->is_null()) return result;
  if (!found->is_object()) {
    add("dict_type", name, "Input should be a valid dictionary", *found);
    return result;
  }
  for (const auto& entry : found->as_object()) {
    if (entry.value().is_string()) {
      result.emplace(entry.key(), entry.value().as_string());
    } else {
      detail_.push_back(violation("string_type", {"body", name, entry.key()}, "Input should be a valid string",
                                  entry.value(), {}));
    }
  }
  return result;
}

std::optional<std::int64_t> query_integer(const http::Request& request, std::string_view name,
                                          std::int64_t otherwise, std::int64_t least, std::int64_t most,
                                          std::optional<http::Response>& refusal) {
  const auto text = request.query.find(name);
  if (!text) return otherwise;
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
  const bool whole = !text->empty() && code == std::errc{} && end == text->data() + text->size();
  if (whole && number >= least && number <= most) return number;
  const std::string message =
      !whole ? "Input should be a valid integer, unable to parse string as an integer"
      : number < least ? "Input should be greater than or equal to " + std::to_string(least)
                       : "Input should be less than or equal to " + std::to_string(most);
  const char* type = !whole ? "int_parsing" : number < least ? "greater_than_equal" : "less_than_equal";
  refusal = unprocessable({violation(type, {"query", name}, message, value(*text), {})});
  return std::nullopt;
}

}  // namespace berth::api
