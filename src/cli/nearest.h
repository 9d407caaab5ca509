// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace berth::cli {

/// The one of `words` that was probably meant by `word`; empty when none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& words);

}  // namespace berth::cli
