// SPDX-License-Identifier: Apache-2.0
// Pictures that a training cannot read: named once, and left out.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "image/batch_loader.h"
#include "image/image_folder.h"
#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "runtime/process_group.h"

namespace berth::vision {

class UnreadablePictures {
 public:
  explicit UnreadablePictures(protocol::EventWriter* events) : events_(*events) {}

  /// Tells of those of a batch that were not told of before; of a hundred in all. Error:
  /// kOutOfMemory, which is no fault of the picture.
  protocol::Status note(const image::Batch& batch);
  /// In all processes; what the others have found counts as told. To be called by all of them.
  protocol::Status share(const std::vector<std::string>& pictures, runtime::ProcessGroup* group);
  /// After a pass over `folder`: says how many there are, once. The error when a class has no
  /// other.
  protocol::Status check(const image::ImageFolder& folder);
  size_t count() const { return paths_.size(); }
  /// The error when no picture of `folder` could be read.
  tl::unexpected<protocol::Error> all(const std::string& folder) const;

 private:
  protocol::EventWriter& events_;
  std::set<std::string> paths_;
  size_t told_ = 0;
  std::optional<protocol::Error> first_;
};

}  // namespace berth::vision
