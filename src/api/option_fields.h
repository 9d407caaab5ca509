// SPDX-License-Identifier: Apache-2.0
// Fields that may be left out and are the worker's to know the usual value of: what is given is
// checked and copied to the worker's specification under the same name. Violations are collected in
// `fields`; null counts as not given.
#pragma once

#include <array>
#include <string_view>

#include "api/schema.h"

namespace berth::api {

struct NumberField {
  std::string_view name;
  double least, most;  // both included
};

/// Greater than 0.
struct PositiveField {
  std::string_view name;
  double below;
};

struct IntegerField {
  std::string_view name;
  std::int64_t least, most;
};

struct ChoiceField {
  std::string_view name;
  std::array<std::string_view, 6> known;  // empty ones are none
};

[[nodiscard]] bool is_given(const Fields& fields, std::string_view name);

void read_option(Fields& fields, const NumberField& field, base::json::object& to);
void read_option(Fields& fields, const PositiveField& field, base::json::object& to);
void read_option(Fields& fields, const IntegerField& field, base::json::object& to);
void read_option(Fields& fields, const ChoiceField& field, base::json::object& to);
/// true or false.
void read_option(Fields& fields, std::string_view name, base::json::object& to);

/// Each of a list.
template <class List>
void read_options(Fields& fields, const List& list, base::json::object& to) {
  for (const auto& field : list) read_option(fields, field, to);
}

}  // namespace berth::api
