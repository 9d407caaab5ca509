// SPDX-License-Identifier: Apache-2.0
// As much of JSON Schema 2020-12 as api/openapi.yaml uses, to hold answers to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace berth::api::test {

/// What "#/components/schemas/X" points to in `document`; nullptr when nothing is there.
const base::json::value* follow(const base::json::value& document, std::string_view reference);

/// Where and how `value` does not match `schema`: "detail[0].loc: ...". Stricter than the standard:
/// a field that `properties` does not name is a violation, unless `additionalProperties` has it.
std::vector<std::string> mismatches(const base::json::value& document,
                                    const base::json::value& schema, const base::json::value& value,
                                    const std::string& where = "");

}  // namespace berth::api::test
