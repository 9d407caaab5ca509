// SPDX-License-Identifier: Apache-2.0
#include "api/schema.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr std::string_view kTooManyDigits =
    "Unable to parse input string as an integer, exceeded maximum size";

object violation(std::string_view type, array loc, std::string_view message, value input,
                 object context) {
  object entry{
      {"type", type}, {"loc", std::move(loc)}, {"msg", message}, {"input", std::move(input)}};
  if (!context.empty()) entry["ctx"] = std::move(context);
  return entry;
}

// "8", "+8", " 8 ", "8.0": as pydantic reads numbers in strings.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  text = base::trim(text);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  const auto point = text.find('.');
  if (point != std::string_view::npos) {
    if (point == 0 || text.find_first_not_of('0', point + 1) != std::string_view::npos)
      return std::nullopt;
    text = text.substr(0, point);
  }
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "0", not "0.0": a bound in a message.
std::string bound_text(double bound) {
  return bound == std::nearbyint(bound) ? std::to_string(static_cast<std::int64_t>(bound))
                                        : base::to_text(value(bound));
}

http::Response unprocessable(array detail) {
  return json_response(object{{"detail", std::move(detail)}},
                       base::row(base::ErrorCode::kSchemaViolation).http_status);
}

}  // namespace

http::Response json_response(const value& body, int status) {
  http::Response response;
  response.status = status;
  response.body = base::to_text(body);
  return response;
}

Fields::Fields(const std::string& body) {
  if (base::trim(body).empty()) {
    detail_.push_back(violation("missing", {"body"}, "Field required", nullptr, {}));
    return;
  }
  auto parsed = base::parse_json(body);
  if (!parsed) {
    detail_.push_back(violation("json_invalid", {"body", 0}, "JSON decode error", object{},
                                {{"error", parsed.error().message}}));
  } else if (!parsed->is_object()) {
    detail_.push_back(violation(
        "model_attributes_type", {"body"},
        "Input should be a valid dictionary or object to extract fields from", *parsed, {}));
  } else {
    object_ = std::move(parsed->as_object());
  }
}

array Fields::loc(std::string_view name) const {
  array where = loc_;
  where.push_back(value(name));
  return where;
}

// No field has a use for a NUL byte, and the system would cut the text there.
bool Fields::clean(const std::string& text, const array& where) {
  if (text.find('\0') == std::string::npos) return true;
  detail_.push_back(
      violation("value_error", where, "The text must not contain a NUL byte", value(text), {}));
  return false;
}

void Fields::refuse_others(std::span<const std::string_view> known) {
  for (const auto& entry : object_) {
    if (std::find(known.begin(), known.end(), std::string_view(entry.key())) == known.end())
      refuse("extra_forbidden", entry.key(), "There is no such field");
  }
}

void Fields::merge(const Fields& part) {
  detail_.insert(detail_.end(), part.detail_.begin(), part.detail_.end());
}

http::Response Fields::refusal() const { return unprocessable(detail_); }

const value* Fields::find(std::string_view name) const { return object_.if_contains(name); }

void Fields::add(std::string_view type, std::string_view name, std::string_view message,
                 value input, object context) {
  detail_.push_back(violation(type, loc(name), message, std::move(input), std::move(context)));
}

void Fields::refuse(std::string_view type, std::string_view name, std::string_view message,
                    object context) {
  const value* input = find(name);
  add(type, name, message, input != nullptr ? *input : value(nullptr), std::move(context));
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
  std::string text(found->as_string());
  return clean(text, loc(name)) ? text : std::string();
}

std::string Fields::nullable_string(std::string_view name) {
  const value* found = find(name);
  return found == nullptr || found->is_null() ? std::string() : string_or(name, "");
}

// Beyond 64 bits the value is only compared with bounds: the nearest that can be written stands for
// it.
std::optional<std::int64_t> Fields::to_integer(std::string_view name, const value& input) {
  if (input.is_int64()) return input.as_int64();
  if (input.is_uint64()) return std::numeric_limits<std::int64_t>::max();
  if (input.is_bool()) return input.as_bool() ? 1 : 0;
  if (input.is_double()) {
    const double number = input.as_double();
    if (!std::isfinite(number)) {
      add("finite_number", name, "Input should be a finite number", input);
    } else if (std::nearbyint(number) != number) {
      add("int_from_float", name,
          "Input should be a valid integer, got a number with a fractional part", input);
    } else if (std::abs(number) >= 9.2e18) {
      add("int_parsing_size", name, kTooManyDigits, input);
    } else {
      return static_cast<std::int64_t>(number);
    }
    return std::nullopt;
  }
  if (input.is_string()) {
    const auto number = parse_integer(input.as_string());
    if (!number)
      add("int_parsing", name,
          "Input should be a valid integer, unable to parse string as an integer", input);
    return number;
  }
  add("int_type", name, "Input should be a valid integer", input);
  return std::nullopt;
}

bool Fields::in_range(std::string_view name, std::int64_t number, std::optional<std::int64_t> least,
                      std::optional<std::int64_t> most, const value& input) {
  if (least && number < *least) {
    add("greater_than_equal", name,
        "Input should be greater than or equal to " + std::to_string(*least), input,
        {{"ge", *least}});
    return false;
  }
  if (most && number > *most) {
    add("less_than_equal", name, "Input should be less than or equal to " + std::to_string(*most),
        input, {{"le", *most}});
    return false;
  }
  return true;
}

std::optional<std::int64_t> Fields::maybe_integer(std::string_view name,
                                                  std::optional<std::int64_t> least,
                                                  std::optional<std::int64_t> most) {
  const value* found = find(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  const auto number = to_integer(name, *found);
  if (number && !in_range(name, *number, least, most, *found)) return std::nullopt;
  if (number && found->is_uint64()) {
    add("int_parsing_size", name, kTooManyDigits, *found);
    return std::nullopt;
  }
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

std::int64_t Fields::integer_or(std::string_view name, std::int64_t otherwise,
                                std::optional<std::int64_t> least,
                                std::optional<std::int64_t> most) {
  const value* found = find(name);
  if (found == nullptr) return otherwise;
  const auto number = to_integer(name, *found);
  if (!number || !in_range(name, *number, least, most, *found)) return otherwise;
  if (found->is_uint64()) {
    add("int_parsing_size", name, kTooManyDigits, *found);
    return otherwise;
  }
  return *number;
}

std::optional<double> Fields::to_number(std::string_view name, const value& input) {
  std::optional<double> number;
  if (input.is_double()) number = input.as_double();
  if (input.is_int64()) number = static_cast<double>(input.as_int64());
  if (input.is_uint64()) number = static_cast<double>(input.as_uint64());
  if (input.is_bool()) number = input.as_bool() ? 1.0 : 0.0;
  if (input.is_string()) {
    const std::string text(base::trim(input.as_string()));
    double parsed = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (text.empty() || code != std::errc{} || end != text.data() + text.size()) {
      add("float_parsing", name,
          "Input should be a valid number, unable to parse string as a number", input);
      return std::nullopt;
    }
    number = parsed;
  }
  if (!number) {
    add("float_type", name, "Input should be a valid number", input);
  } else if (!std::isfinite(*number)) {
    add("finite_number", name, "Input should be a finite number",
        input.is_double() ? value(nullptr) : input);
    return std::nullopt;
  }
  return number;
}

std::optional<double> Fields::maybe_positive(std::string_view name, double below) {
  const value* found = find(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  const auto number = to_number(name, *found);
  if (!number) return std::nullopt;
  if (!(*number > 0)) {
    add("greater_than", name, "Input should be greater than 0", *found, {{"gt", 0}});
  } else if (!(*number < below)) {
    add("less_than", name, "Input should be less than " + bound_text(below), *found,
        {{"lt", below}});
  } else {
    return number;
  }
  return std::nullopt;
}

std::optional<double> Fields::maybe_number(std::string_view name, double least, double most) {
  const value* found = find(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  const auto number = to_number(name, *found);
  if (!number || (*number >= least && *number <= most)) return number;
  const bool low = *number < least;
  add(low ? "greater_than_equal" : "less_than_equal", name,
      (low ? "Input should be greater than or equal to "
           : "Input should be less than or equal to ") +
          bound_text(low ? least : most),
      *found, {{low ? "ge" : "le", low ? least : most}});
  return std::nullopt;
}

double Fields::number_or(std::string_view name, double otherwise,
                         std::optional<double> greater_than) {
  const value* found = find(name);
  if (found == nullptr) return otherwise;
  const auto number = to_number(name, *found);
  if (!number) return otherwise;
  if (greater_than && !(*number > *greater_than)) {
    add("greater_than", name, "Input should be greater than " + bound_text(*greater_than), *found,
        {{"gt", *greater_than}});
    return otherwise;
  }
  return *number;
}

bool Fields::boolean_or(std::string_view name, bool otherwise) {
  const value* found = find(name);
  if (found == nullptr) return otherwise;
  if (found->is_bool()) return found->as_bool();
  if (found->is_number()) {
    const double number = found->to_number<double>();
    if (number == 0 || number == 1) return number == 1;
    const bool whole = number == std::nearbyint(number);
    if (!whole) {
      add("bool_type", name, "Input should be a valid boolean", *found);
      return otherwise;
    }
    add("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", *found);
    return otherwise;
  }
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
    array where = loc(name);
    where.push_back(index++);
    if (!item.is_string()) {
      detail_.push_back(
          violation("string_type", std::move(where), "Input should be a valid string", item, {}));
    } else if (std::string text(item.as_string()); clean(text, where)) {
      result.push_back(std::move(text));
    }
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
    array where = loc(name);
    where.push_back(value(entry.key()));
    std::string key(entry.key());
    if (!entry.value().is_string()) {
      detail_.push_back(violation("string_type", std::move(where), "Input should be a valid string",
                                  entry.value(), {}));
    } else if (std::string text(entry.value().as_string());
               clean(key, where) && clean(text, where)) {
      result.emplace(std::move(key), std::move(text));
    }
  }
  return result;
}

std::int64_t Query::integer(std::string_view name, std::int64_t otherwise, std::int64_t least,
                            std::int64_t most) {
  const auto text = request_.query.find(name);
  if (!text) return otherwise;
  const auto number = parse_integer(*text);
  if (!number) {
    detail_.push_back(violation(
        "int_parsing", {"query", name},
        "Input should be a valid integer, unable to parse string as an integer", value(*text), {}));
  } else if (*number < least) {
    detail_.push_back(violation("greater_than_equal", {"query", name},
                                "Input should be greater than or equal to " + std::to_string(least),
                                value(*text), {{"ge", least}}));
  } else if (*number > most) {
    detail_.push_back(violation("less_than_equal", {"query", name},
                                "Input should be less than or equal to " + std::to_string(most),
                                value(*text), {{"le", most}}));
  } else {
    return *number;
  }
  return otherwise;
}

std::string one_of(std::span<const std::string_view> known) {
  std::string names;
  for (const auto name : known) {
    if (!name.empty()) names += (names.empty() ? "'" : ", '") + std::string(name) + "'";
  }
  return "Input should be one of " + names;
}

std::string_view Query::choice(std::string_view name, std::span<const std::string_view> known) {
  const auto text = request_.query.find(name);
  if (!text) return known.front();
  const auto chosen = std::ranges::find(known, *text);
  if (chosen != known.end()) return *chosen;
  detail_.push_back(violation("enum", {"query", name}, one_of(known), value(*text), {}));
  return known.front();
}

http::Response Query::refusal() const { return unprocessable(detail_); }

}  // namespace berth::api
