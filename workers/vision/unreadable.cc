// SPDX-License-Identifier: Apache-2.0
#include "vision/unreadable.h"

namespace berth::vision {
namespace {

using protocol::Error;
using protocol::ErrorCode;

constexpr size_t kMostNamed = 100;

}  // namespace

protocol::Status UnreadablePictures::note(const image::Batch& batch) {
  for (const image::FailedPicture& picture : batch.failed) {
    if (picture.error.code == ErrorCode::kOutOfMemory) return tl::unexpected<Error>(picture.error);
    if (!paths_.insert(picture.error.file).second) continue;
    if (!first_) first_ = picture.error;
    if (paths_.size() <= kMostNamed) events_.warning(picture.error.message);
  }
  return {};
}

protocol::Status UnreadablePictures::share(const std::vector<std::string>& pictures,
                                           runtime::ProcessGroup* group) {
  if (group == nullptr) return {};
  std::vector<double> number{static_cast<double>(paths_.size())};
  if (auto summed = group->sum(&number); !summed) return summed;
  if (number.front() == 0) return {};
  std::vector<float> found;
  for (const std::string& path : pictures) found.push_back(paths_.count(path) > 0 ? 1 : 0);
  if (auto summed = group->sum(&found); !summed) return summed;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (found[i] > 0) paths_.insert(pictures[i]);
  }
  return {};
}

tl::unexpected<Error> UnreadablePictures::all(const std::string& folder) const {
  const std::string first = first_ ? "; the first: " + first_->message : "";
  return protocol::failed(ErrorCode::kBadImage,
                          "none of the pictures in " + folder + " could be read" + first,
                          first_ ? first_->file : folder);
}

}  // namespace berth::vision
