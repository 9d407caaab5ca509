// SPDX-License-Identifier: Apache-2.0
// Builds classifiers by name (model_names.h lists them).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/result.h"
#include "vision/model_options.h"

namespace berth::vision {

class Classifier;

/// A freshly initialised model in training mode, its weights drawn from torch's default generator
/// (seed it first). Error: kBadRequest listing the known names. Throws what torch throws (out of
/// memory).
protocol::Result<std::shared_ptr<Classifier>> create_model(const std::string& name,
                                                           const ModelOptions& options);

}  // namespace berth::vision
