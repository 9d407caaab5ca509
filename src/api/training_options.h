// SPDX-License-Identifier: Apache-2.0
// How a training is to go, beyond what the originals' request says.
#pragma once

#include "api/schema.h"

namespace berth::api {

/// Copies what is given of these fields to `parameters`, in the words of the worker's
/// specification; violations are collected in `fields`.
void read_training_options(Fields& fields, std::int64_t num_classes,
                           base::json::object& parameters);

}  // namespace berth::api
