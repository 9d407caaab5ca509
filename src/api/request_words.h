// SPDX-License-Identifier: Apache-2.0
// What is wrong with a request, as the API and the server say it.
#pragma once

#include <span>

#include "base/rendering.h"

namespace berth::api {

std::span<const base::Rendering> request_words();

}  // namespace berth::api
