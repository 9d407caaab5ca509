// SPDX-License-Identifier: Apache-2.0
#include "api/option_fields.h"

#include <algorithm>

namespace berth::api {

using base::json::object;

bool is_given(const Fields& fields, std::string_view name) {
  const auto* found = fields.body().if_contains(name);
  return found != nullptr && !found->is_null();
}

void read_option(Fields& fields, const NumberField& field, object& to) {
  if (const auto number = fields.maybe_number(field.name, field.least, field.most))
    to[field.name] = *number;
}

void read_option(Fields& fields, const PositiveField& field, object& to) {
  if (const auto number = fields.maybe_positive(field.name, field.below)) to[field.name] = *number;
}

void read_option(Fields& fields, const IntegerField& field, object& to) {
  if (const auto number = fields.maybe_integer(field.name, field.least, field.most))
    to[field.name] = *number;
}

void read_option(Fields& fields, const ChoiceField& field, object& to) {
  if (!is_given(fields, field.name)) return;
  const std::string chosen = fields.string_or(field.name, "");
  if (chosen.empty() || std::ranges::find(field.known, chosen) == field.known.end())
    return fields.refuse("enum", field.name, one_of(field.known));
  to[field.name] = chosen;
}

void read_option(Fields& fields, std::string_view name, object& to) {
  if (is_given(fields, name)) to[name] = fields.boolean_or(name, false);
}

}  // namespace berth::api
