// SPDX-License-Identifier: Apache-2.0
// How much of a GPU's memory a built-in task is thought to need, before one like it has run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"

namespace berth::api {

/// Single precision, Adam. std::nullopt for a model that is not known.
///   context + parameters * 4 bytes * (weights, gradients, two moments)
///           + batch_size * (image_size / 224)^2 * what autograd keeps of a picture * 1.25
std::optional<base::Bytes> training_memory(const std::string& model, std::int64_t batch_size,
                                           std::int64_t image_size);

}  // namespace berth::api
