// SPDX-License-Identifier: Apache-2.0
// Values of a pickle that mean something without Python: numbers, texts, lists and maps of them.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>

#include "checkpoint/pickle.h"

namespace berth::checkpoint {

/// What is left of the work and of the space that all conversions of one file may take: records may
/// share members, so that a small file can describe a huge tree.
struct PlainBudget {
  size_t values = 1'000'000;
  size_t bytes = 16u << 20;  ///< of texts
};

/// `value` as JSON: tuples and sets become lists, an argparse.Namespace an object, a path its text,
/// a NumPy scalar its number, integers beyond 64 bits their digits. Nothing if there is anything
/// else in it, if it is nested more than 32 deep or the budget is used up.
std::optional<boost::json::value> plain_json(const Pickle& pickle, const Value& value,
                                             PlainBudget* budget);

/// The same as metadata keep it: a text as it is, everything else as JSON.
std::optional<std::string> plain_text(const Pickle& pickle, const Value& value,
                                      PlainBudget* budget);

}  // namespace berth::checkpoint
