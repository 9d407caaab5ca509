// SPDX-License-Identifier: Apache-2.0
// What records of a pickle were in Python, as far as finding weights needs it.
#pragma once

#include <set>
#include <string_view>

#include "checkpoint/pickle.h"

namespace berth::checkpoint {

/// A dict, an OrderedDict or another object that items were set in.
bool is_map(const Pickle& pickle, const Value& value);

/// The attributes of an object: the dictionary that BUILD gave it, without __slots__; nullptr if
/// there is none.
const Value* attributes_of(const Pickle& pickle, const Value& value);

/// Names of the buffers that a module does not save, from its attributes.
std::set<std::string_view> passing_buffers(const Pickle& pickle, const Value& state);

}  // namespace berth::checkpoint
