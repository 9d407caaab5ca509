// SPDX-License-Identifier: Apache-2.0
// Why the work of the built-in workers failed, as they say it (a unit test looks for the texts in
// their sources).
#pragma once

#include <span>

#include "base/rendering.h"

namespace berth::model {

std::span<const base::Rendering> worker_words();

/// Of strerror(3), which stands in them.
std::span<const base::Rendering> system_words();

}  // namespace berth::model
