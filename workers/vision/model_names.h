// SPDX-License-Identifier: Apache-2.0
// The names of the classifiers this worker can build. Free of torch.
#pragma once

#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::vision {

/// In the order in which they are listed to people.
const std::vector<std::string>& model_names();

/// kBadRequest listing the known names unless `name` is one of them.
protocol::Status check_model_name(const std::string& name);

/// torchvision's class of a known model, which the originals name checkpoints after: "ResNet".
std::string model_class(const std::string& name);

}  // namespace berth::vision
