// SPDX-License-Identifier: Apache-2.0
// The parts that catalog() (words.h) is joined of.
#pragma once

#include <span>

#include "cli/words.h"

namespace berth::cli {

std::span<const Translation> single_words();

}  // namespace berth::cli
