// SPDX-License-Identifier: Apache-2.0
// How well a network does on pictures whose classes are known.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "image/batch_loader.h"
#include "image/image_folder.h"
#include "protocol/result.h"
#include "runtime/process_group.h"
#include "vision/metrics.h"
#include "vision/network.h"
#include "vision/unreadable.h"

namespace berth::vision {

struct Validation {
  const image::ImageFolder& pictures;
  std::string folder;  ///< where they are, for messages
  int64_t classes = 0;
  int64_t slice = 1;                           ///< pictures in the network at a time
  runtime::ProcessGroup* group = nullptr;      ///< shares the work; all get the same answer
  std::function<void(int64_t pictures)> tell;  ///< called as they are done
};

/// `loader` is of `what.pictures`. Errors: kBadImage where none can be read, those of Network.
protocol::Result<ClassificationMetrics> validate(const Validation& what, Network* network,
                                                 image::BatchLoader* loader,
                                                 UnreadablePictures* unreadable);

}  // namespace berth::vision
